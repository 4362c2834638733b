import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { projectFolder, readDocument } from '../docs/markdown.ts'

const execute = promisify(execFile)
const { scripts } = z
  .object({ scripts: z.record(z.string(), z.string()) })
  .parse(JSON.parse(readDocument('package.json')))

/** A repository with the hook, where npm writes down which scripts it is asked for, and fails one of them. */
async function openRepository(failing: string) {
  const folder = await mkdtemp(join(tmpdir(), 'pre-push-'))
  const asked = join(folder, 'asked')
  await writeFile(join(folder, 'npm'), `#!/bin/sh\necho "$3" >> ${asked}\n[ "$3" != "${failing}" ]\n`, { mode: 0o755 })
  const person = ['GIT_AUTHOR', 'GIT_COMMITTER'].flatMap(who => [
    [`${who}_NAME`, 'A'],
    [`${who}_EMAIL`, 'a@example.com'],
  ])
  const env = { ...Object.fromEntries(person), PATH: [folder, process.env.PATH].join(delimiter), HOME: folder }
  const git = (...words: string[]) => execute('git', words, { cwd: folder, env })
  await git('init', '--quiet')
  await git('init', '--quiet', '--bare', 'remote.git')
  await git('config', 'core.hooksPath', join(projectFolder, '.githooks'))
  await git('commit', '--quiet', '--allow-empty', '--message', 'scratch')
  return {
    push: () => git('push', '--quiet', 'remote.git', 'HEAD:refs/heads/main'),
    asked: async () => (await readFile(asked, 'utf8')).trim().split('\n'),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  }
}

test('a push first checks types, lint and imports', async () => {
  await using repository = await openRepository('none')
  await repository.push()
  expect(await repository.asked()).toEqual(['types', 'lint', 'imports'])
})

test.each(['types', 'lint', 'imports'])('a push is refused when %s fails', async script => {
  expect(Object.keys(scripts)).toContain(script)
  await using repository = await openRepository(script)
  await expect(repository.push()).rejects.toThrow('failed to push')
  expect((await repository.asked()).at(-1)).toBe(script)
})
