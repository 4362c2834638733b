import { stripVTControlCharacters } from 'node:util'
import { expect, test } from 'vitest'
import { printLogLine } from '../../src/cli/print-log.ts'
import { UsageError } from '../../src/errors.ts'
import { createLog, type Log } from '../../src/log.ts'

function print(tell: (log: Log) => void, hasColors = false): string {
  let text = ''
  const terminal = {
    out() {},
    err(more: string) {
      text += more
    },
    isInteractive: true,
    hasColors,
  }
  tell(createLog('debug', line => printLogLine(terminal, line)))
  return text
}

const counts = { read: 3, inserted: 1, updated: 1, unchanged: 0, deleted: 1, pages: 1 }
const error = new UsageError({ found: 'It is wrong', remedy: 'make it right' })

test.each<[string, (log: Log) => void, string]>([
  [
    'that the worker is ready, and where',
    log => log.info({ address: 'http://127.0.0.1:8088', queue: 'redis', store: 'postgres' }, 'worker ready'),
    'worker ready: http://127.0.0.1:8088, queue redis, store postgres',
  ],
  [
    'a run, and of which account when it is not the only one',
    log => log.child({ account: 'north', job: 'sync-users', run: '5' }).info({ counts }, 'run succeeded'),
    'north: sync-users: run 5 succeeded, 3 rows read: 1 new, 1 changed, 0 unchanged, 1 deleted',
  ],
  [
    'why a run was refused',
    log => log.warn({ account: 'default', job: 'sync-users', run: '6', error }, 'run refused'),
    'sync-users: run refused: It is wrong: make it right',
  ],
  [
    'every problem of an accounts file',
    log => log.error({ problems: ['First.', 'Second.'] }, 'ACCOUNTS_FILE cannot be used'),
    'ACCOUNTS_FILE cannot be used: First.: Second.',
  ],
  ['what a terminal would obey, as text', log => log.info('a\u001b[2Jb\nc'), 'a\\u001b[2Jb\\nc'],
])('a person is told %s', (_what, tell, words) => {
  expect(print(tell)).toMatch(/^\d\d:\d\d:\d\d {2}[^\n]*\n$/)
  expect(print(tell).slice(10, -1)).toBe(words)
  expect(stripVTControlCharacters(print(tell, true)).slice(10, -1)).toBe(words)
})

test('what is wrong has a colour where there are colours, and nothing has one elsewhere', () => {
  expect(print(log => log.warn('careful'), true)).toContain('\u001b[33mcareful\u001b[39m')
  expect(print(log => log.warn('careful'))).not.toContain('\u001b')
})
