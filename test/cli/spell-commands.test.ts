import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { createLiveTerminal } from '../../src/cli/live-terminal.ts'
import { spellCommands } from '../../src/cli/spell-commands.ts'
import { runWith } from './run-command.ts'

async function makeProject(lockFile: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'hasura-sync-worker-cli-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  await writeFile(join(folder, lockFile), '')
  return folder
}

test.each([
  ['pnpm-lock.yaml', 'pnpm run cli runs --help'],
  ['yarn.lock', 'yarn run cli runs --help'],
  ['bun.lock', 'bun run cli runs --help'],
  ['package-lock.json', 'npm run -s cli -- runs --help'],
])('in a project with %s, a remedy is a command that its package manager runs', async (lockFile, command) => {
  const { err } = await runWith({}, ['runs', '--xyzzy'], { folder: await makeProject(lockFile) })
  expect(err).toBe(`Unknown option '--xyzzy': run "${command}" to see the usage\n`)
})

test('a JSON document has the same words in each project', async () => {
  const folder = await makeProject('pnpm-lock.yaml')
  const { out, err } = await runWith({}, ['runs', '--xyzzy', '--json'], { folder })
  expect(JSON.parse(out)).toMatchObject({ error: { message: expect.stringContaining('run "npm run -s cli -- runs') } })
  expect(err).toContain('run "pnpm run cli runs')
})

test('the scripts of a project are told in the same way, but not what npm itself has said', () => {
  const told: string[] = []
  const terminal = { err: (text: string) => void told.push(text), out() {}, isInteractive: false, hasColors: false }
  const { err } = spellCommands(createLiveTerminal(terminal), 'pnpm', false)
  const spelt = {
    'run "npm run codegen"': 'run "pnpm run codegen"',
    'with "npm start"': 'with "pnpm start"',
    'run "npm install zod"': 'run "pnpm add zod"',
    'after "npm install --include=dev"': 'after "pnpm install"',
    '"npm install" fails in /app': '"npm install" fails in /app',
  }
  for (const text of Object.keys(spelt)) err(text)
  expect(told).toEqual(Object.values(spelt))
})
