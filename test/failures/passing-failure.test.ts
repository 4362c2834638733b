import pg from 'pg'
import { expect, test } from 'vitest'
import { OutageError, RateLimitedError } from '../../src/errors.ts'
import { isPassingFailure } from '../../src/failures/passing-failure.ts'
import { boundPause } from '../../src/time/retry-after.ts'

function database(code: string, routine = 'aclcheck_error', file = 'aclchk.c'): Error {
  return Object.assign(new pg.DatabaseError('refused', 7, 'error'), { code, routine, file })
}
function system(code: string): Error {
  return Object.assign(new Error(`connect ${code} 127.0.0.1:5432`), { code, syscall: 'connect' })
}

/** As older libraries make their errors: axios before 1.21, node-fetch 2. */
function oldStyle(code: string): unknown {
  return Object.assign(Object.create(Error.prototype), { message: `connect ${code} 127.0.0.1:5432`, code })
}

test.each<[string, unknown]>([
  ...[
    '53100',
    '53200',
    '53300',
    '58030',
    '58P01',
    '57014',
    '57P01',
    '57P03',
    '08006',
    '40001',
    '40P01',
    '55P03',
    '25006',
    '26000',
    '42P05',
  ].map((code): [string, unknown] => [code, database(code)]),
  ['a disk that is read-only', database('42501', 'mdextend', 'md.c')],
  ['a database without transaction ids', database('54000', 'GetNewTransactionId')],
  ['a database without MultiXact ids', database('54000', 'GetNewMultiXactId')],
  ...['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'ECONNRESET', 'ETIMEDOUT'].flatMap((code): [string, unknown][] => [
    [code, system(code)],
    [`${code} of an older library`, oldStyle(code)],
  ]),
  ['a refused fetch', new TypeError('fetch failed', { cause: system('ECONNREFUSED') })],
  ['a pool without a free connection', new Error('timeout exceeded when trying to connect')],
])('%s passes', (_name, error) => {
  expect(isPassingFailure(error)).toBe(true)
})

test.each([
  ...['42P01', '22P02', '23505', '28P01', '42501'].map((code): [string, unknown] => [code, database(code)]),
  ['a row that is too wide', database('54000', 'RelationGetBufferForTuple')],
  ['a fault of the job', new TypeError("Cannot read properties of undefined (reading 'id')")],
  ['a file that is not there', system('ENOENT')],
  ['a status as its code', Object.assign(new Error('Not Found'), { code: '404' })],
  ['no TLS', system('ERR_SSL_WRONG_VERSION_NUMBER')],
  ['a text', 'timeout exceeded when trying to connect'],
])('%s is somebody’s to correct', (_name, error) => {
  expect(isPassingFailure(error)).toBe(false)
})

test('every requested pause is kept within bounds', () => {
  expect([-1, 0, 5_000, 1e15, Number.POSITIVE_INFINITY].map(boundPause)).toEqual([
    1_000, 1_000, 5_000, 3_600_000, 3_600_000,
  ])
  const day = 86_400_000
  expect([5_000, 1e15, Number.NaN, -1].map(ms => new RateLimitedError('x', ms).retryAfterMs)).toEqual([
    5_000,
    day,
    1_000,
    1_000,
  ])
  expect(new OutageError('x', 'account', 'x', { retryAfterMs: 1e15 }).retryAfterMs).toBe(day)
  expect(new OutageError('x', 'account', 'x').retryAfterMs).toBeUndefined()
})
