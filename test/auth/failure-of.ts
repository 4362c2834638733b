import { inspect } from 'node:util'
import { expect } from 'vitest'
import { WorkerError } from '../../src/errors.ts'

/** The error, after looking that nothing of it shows a secret: tests put `canary` into each, tokens begin with `eyJ`. */
export async function failureOf(promise: Promise<unknown>): Promise<WorkerError> {
  const error = await promise.then(
    () => new Error('did not fail'),
    (reason: unknown) => reason,
  )
  if (!(error instanceof WorkerError)) throw error
  expect(inspect(error, { depth: 20, showHidden: true })).not.toMatch(/canary|eyJ|PRIVATE KEY-----\n/)
  return error
}
