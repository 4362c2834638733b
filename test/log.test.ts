import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { TransientError } from '../src/errors.ts'
import { describeError } from '../src/log.ts'
import { mainPath } from './fixtures/wiki-project.ts'

const coded = (code: string, more = {}) => Object.assign(new Error('canary'), { code, ...more })

test.each<[unknown, string, RegExp]>([
  [new TransientError('timeout', 'No answer from Hasura.'), 'timeout', /^No answer from Hasura\.$/],
  [new DOMException('The worker is stopping.', 'AbortError'), 'aborted', /^The worker is stopping\.$/],
  [Object.assign(new Error(), { name: 'AbortError', message: ['by the', 'caller'] }), 'aborted', /^by the, caller$/],
  [coded('21000'), '21000', /two rows of one page have the same key.*\(SQLSTATE 21000\)/],
  [coded('23505'), '23505', /a row breaks a constraint/],
  [coded('42501'), '42501', /lacks a privilege/],
  [coded('42P01'), '42P01', /a table or column is missing or has another definition/],
  [coded('P0001'), 'P0001', /a trigger or a function in it raised an error/],
  [coded('53300'), '53300', /connections/],
  [coded('57P01'), '57P01', /shutting down or starting/],
  [coded('XX000'), 'XX000', /it refused a statement \(SQLSTATE XX000\)/],
  // Codes of five capitals that the system has, which no database said.
  [coded('EPIPE', { syscall: 'write', message: 'write EPIPE' }), 'EPIPE', /^write EPIPE/],
  [undefined, 'job-error', /^undefined was thrown, which is not an Error$/],
])('%s is told as %s', (error, code, sentence) => {
  const told = describeError(error)
  expect(told.code).toBe(code)
  expect(told.message).toMatch(sentence)
  expect(told.message).not.toContain('canary')
})

test.runIf(existsSync('/dev/full'))(
  'an output that the disk has no room for is told, and fails the command',
  async () => {
    const run = (argument: string) =>
      promisify(execFile)('sh', ['-c', '"$0" "$1" "$2" >/dev/full', process.execPath, mainPath, argument])
    await expect(run('--help')).rejects.toMatchObject({
      code: 1,
      stderr: 'Not all of the output could be written, because the disk is full (ENOSPC): free space on it\n',
    })
    await expect(run('nothing')).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^Unknown command .*\n$/),
    })
  },
)

test('an output whose last part has no room is told too', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'output-'))
  // Otherwise the signal of a file that is too large would end it.
  const shell = ['-c', 'trap "" 25; ulimit -f 1; exec "$0" "$1" --help >"$2"', process.execPath, mainPath]
  const running = promisify(execFile)('sh', [...shell, join(folder, 'help')])
  await expect(running).rejects.toMatchObject({
    code: 1,
    stderr: 'Not all of the output could be written (EFBIG): write it to another place\n',
  })
  await rm(folder, { recursive: true })
})

test('a reader that closes the pipe early fails no command', async () => {
  const shell = ['-c', '{ "$0" "$1" --help; echo $? >&2; } | true', process.execPath, mainPath]
  expect((await promisify(execFile)('sh', shell)).stderr).toBe('0\n')
})

test.runIf(existsSync('/dev/full'))('a line that the disk has no room for stops nothing', async () => {
  const script = `
    import { createLog } from '${new URL('../src/log.ts', import.meta.url)}'
    const log = createLog('info')
    for (let line = 0; line < 3; line += 1) log.info({ line }, 'a line')
    console.log('goes on')`
  const shell = ['-c', '"$0" --input-type=module -e "$1" 2>/dev/full', process.execPath, script]
  expect((await promisify(execFile)('sh', shell)).stdout).toBe('goes on\n')
})

test('a reader of the log that has stalled stops nothing, and gets whole lines when it goes on', async () => {
  const script = `
    import { createLog } from '${new URL('../src/log.ts', import.meta.url)}'
    // Makes a pipe one that refuses what it has no room for.
    process.stderr.on('error', () => {})
    const log = createLog('info')
    for (let line = 0; line < 2_000; line += 1) log.info({ line, text: 'x'.repeat(1_000) }, 'a line')
    console.log('goes on')
    setInterval(() => log.info('again'), 10)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'pipe'] })
  const [said] = await once(child.stdout, 'data')
  expect(String(said)).toBe('goes on\n')
  let text = ''
  for await (const part of child.stderr.setEncoding('utf8')) {
    text += part
    if (text.includes('"again"')) break
  }
  child.kill()
  const lines = text.split('\n').slice(0, -1)
  const numbers = lines.map(line => z.object({ line: z.int().optional() }).parse(JSON.parse(line)).line)
  expect(numbers.slice(0, 3)).toEqual([0, 1, 2])
})
