import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { Worker } from 'node:worker_threads'
import { expect, test } from 'vitest'
import { mainPath } from '../fixtures/wiki-project.ts'

test('a thread of another program is refused, as schedulers of jobs start one', async () => {
  const thread = new Worker(mainPath, { argv: ['worker'], execArgv: [], stderr: true })
  const [err, [code]] = await Promise.all([text(thread.stderr), once(thread, 'exit')])
  expect(err).toBe(
    'This is a thread of another program: start hasura-sync-worker as a process of its own, such as with "fork" of node:child_process\n',
  )
  expect(code).toBe(2)
})
