import { expect, test } from 'vitest'
import { CancelledError, TransientError, type WorkerError } from '../../src/errors.ts'
import { explainLate } from '../../src/hasura/explain-late.ts'

test.each<[string, WorkerError]>([
  ['a run that is cancelled meanwhile', new CancelledError()],
  [
    'a connection that is cut off',
    new TransientError('network', 'No response from Hasura, the connection was cut off'),
  ],
])('%s doesn’t mean that Hasura answers nothing', async (_name, reason) => {
  const late = new TransientError('timeout', 'No response from Hasura, no complete response arrived in time')
  expect(await explainLate(late, () => Promise.reject(reason))).toBe(reason)
})
