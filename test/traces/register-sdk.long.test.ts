import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openHome, startProcess } from '../cli/run-command.ts'
import { openSandbox } from '../fixtures/open-sandbox.ts'
import { mainPath, wikiProject } from '../fixtures/wiki-project.ts'

test('an SDK that Node loads first gets all spans, also those of the last moment', async () => {
  await using sandbox = await openSandbox()
  await using home = await openHome(sandbox, 'traced')
  const file = join(home.folder, 'spans')
  const words = ['--import', join(import.meta.dirname, 'write-spans.ts'), mainPath, 'run', 'sync-topics']
  const env = { ...home.env, SPANS_FILE: file }
  await using command = startProcess(env, process.execPath, words, { cwd: wikiProject.folder })
  expect((await command.ended).code).toBe(0)

  const spans = (await readFile(file, 'utf8'))
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line))
  const [request] = spans.filter(({ name }) => name === 'request sync-topics')
  const [run] = spans.filter(({ name }) => name === 'run sync-topics')
  expect(run).toMatchObject({ traceId: request.traceId, parentId: request.spanId })
  expect(spans.filter(({ name, parentId }) => name === 'commit' && parentId === run.spanId)).not.toEqual([])
  expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(1)
})
