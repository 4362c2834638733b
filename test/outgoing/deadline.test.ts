import { setTimeout } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { withDeadline } from '../../src/outgoing/deadline.ts'

const never = () => new Promise<never>(() => {})

test('work that takes no notice of its signal ends in time all the same', async () => {
  await expect(withDeadline({ timeoutMs: 1 }, never)).rejects.toMatchObject({ name: 'TimeoutError' })
})

test('and with the reason of the caller who leaves', async () => {
  const abort = new AbortController()
  const ended = withDeadline({ timeoutMs: 60_000, signal: abort.signal }, never)
  abort.abort(new DOMException('gone', 'AbortError'))
  await expect(ended).rejects.toThrow('gone')
})

test('what the work throws after its end is heard by nobody', async () => {
  let fail = (_error: Error): void => {}
  const work = () =>
    new Promise<never>((_, reject) => {
      fail = reject
    })
  await expect(withDeadline({ timeoutMs: 1 }, work)).rejects.toMatchObject({ name: 'TimeoutError' })
  fail(new Error('late'))
})

test.each([Number.POSITIVE_INFINITY, 2 ** 31])('%d ms, longer than any timer, are no end', async timeoutMs => {
  // Node makes such a timer one of 1 ms, which would be first.
  expect(await withDeadline({ timeoutMs }, () => setTimeout(2, 'done'))).toBe('done')
})
