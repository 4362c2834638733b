import { expect, test } from 'vitest'
import { openTestQueue } from '../fixtures/open-test-queue.ts'
import { holdRequests } from './held-handler.ts'

test('closing the queue stops a consumer that was left behind, so that it asks a closed database for nothing', async () => {
  const opened = await openTestQueue('embedded')
  const { handler, next } = holdRequests()
  opened.queue.consume(handler, { concurrency: 1 })
  await opened.queue.add({ account: 'default', job: 'sync-things', payload: {}, trigger: 'cli' })
  const held = await next()
  held.signal.addEventListener('abort', () => held.end({ kind: 'put-back', delayMs: 0 }))
  await opened[Symbol.asyncDispose]()
  expect(held.signal.aborted).toBe(true)
})
