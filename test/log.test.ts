import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { TransientError } from '../src/errors.ts'
import { describeError } from '../src/log.ts'

const coded = (code: string, more = {}) => Object.assign(new Error('canary'), { code, ...more })

test.each<[unknown, string, RegExp]>([
  [new TransientError('timeout', 'No answer from Hasura.'), 'timeout', /^No answer from Hasura\.$/],
  [new DOMException('The worker is stopping.', 'AbortError'), 'aborted', /^The worker is stopping\.$/],
  [Object.assign(new Error(), { name: 'AbortError', message: ['by the', 'caller'] }), 'aborted', /^by the, caller$/],
  [coded('21000'), '21000', /two rows of one page have the same key.*\(SQLSTATE 21000\)/],
  [coded('23505'), '23505', /a row breaks a constraint/],
  [coded('42501'), '42501', /lacks a privilege/],
  [coded('42P01'), '42P01', /a table or column is missing or has another definition/],
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

test.runIf(existsSync('/dev/full'))('a line that the disk has no room for stops nothing', async () => {
  const script = `
    import { createLog } from '${new URL('../src/log.ts', import.meta.url)}'
    const log = createLog('info')
    for (let line = 0; line < 3; line += 1) log.info({ line }, 'a line')
    console.log('goes on')`
  const shell = ['-c', '"$0" --input-type=module -e "$1" 2>/dev/full', process.execPath, script]
  expect((await promisify(execFile)('sh', shell)).stdout).toBe('goes on\n')
})
