import { execFile } from 'node:child_process'
import { mkdtempDisposable, readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const demo = fileURLToPath(new URL('demo.ts', import.meta.url))

test('the demo shows the whole path and leaves nothing behind', async () => {
  const { exitCode, output, left } = await play('--exit')
  expect(output).toMatch(/first login of "default": calls refresh_users as viewer/)
  expect(output).toMatch(/first login: the user is visible/)
  expect(output).toMatch(/run [0-9a-f-]{36} succeeded, 1605 rows read: 1605 new/)
  expect(inOrder(output, ['sync-users: run', 'sync-topics: run', 'sync-articles: run'])).toBe(true)
  expect(output).toMatch(/GET \/requests\/\S+ -> done .*"updated":2.*"inserted":1/)
  expect(output).toMatch(/mirror\.users has it \d+\.\d s after the commit.*\n.*"username":"newcomer"/)
  expect(output).toMatch(/-> held \(job-roles\)\n\s+"Role "viewer" is not in the token's allowed roles \(auditor\)/)
  expect(output).toMatch(/Brand new +9007199254740993 /)
  expect(output).toContain('✓ first scheduled run and bootstrap')
  expect(output).toContain('✓ on-demand run over HTTP')
  expect(output).toContain('✓ a row mirrored as it is written')
  expect(output).toContain('✓ hold and its end')
  expect(output).not.toContain('✗')
  // Piped into a file it has no colours.
  expect(output).not.toContain('\u001b')
  expect(exitCode).toBe(0)
  expect(left).toEqual([])
})

test.each([
  ['secret', /✗ first login: \S+ was refused \(client-auth\): Keycloak refused client "sync-worker"/],
  ['worker', /✗ first scheduled run and bootstrap: The worker exited unexpectedly \(SIGKILL\)/],
])('a failing part ends the demo with 1 and a sentence: %s', async (sabotage, sentence) => {
  const { exitCode, output, left } = await play('--exit', '--sabotage', sabotage)
  expect(output).toMatch(sentence)
  expect(output).toMatch(/The worker's last log lines\n +\{"level"/)
  expect(exitCode).toBe(1)
  expect(left).toEqual([])
})

interface Played {
  readonly exitCode: number
  readonly output: string
  /** Of its folders. */
  readonly left: readonly string[]
}

/** In a folder for temporary files of its own: others may play the demo at the same time. */
async function play(...words: string[]): Promise<Played> {
  await using temporary = await mkdtempDisposable(join(tmpdir(), 'demo-'))
  const env = { ...process.env, TMPDIR: temporary.path }
  const played = await new Promise<Omit<Played, 'left'>>(resolve => {
    const child = execFile(process.execPath, [demo, ...words], { env }, (_error, stdout, stderr) => {
      resolve({ exitCode: child.exitCode ?? -1, output: stdout + stderr })
    })
  })
  const left = (await readdir(temporary.path)).filter(name => name.startsWith('sync-demo-'))
  return { ...played, left }
}

function inOrder(text: string, parts: readonly string[]): boolean {
  const places = parts.map(part => text.indexOf(part))
  return places.every((place, index) => place > (places[index - 1] ?? -1))
}
