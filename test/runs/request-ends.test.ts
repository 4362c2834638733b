import { expect } from 'vitest'
import { createRequestEnds } from '../../src/runs/request-ends.ts'
import { cancelRequest } from '../../src/runs/requests.ts'
import { systemClock } from '../../src/time/clock.ts'
import { appTest } from '../fixtures/app-test.ts'
import { takeAnything } from '../fixtures/take-anything.ts'

const test = appTest.extend('appOptions', { scope: 'file' }, { jobs: [takeAnything('take-anything')] })

const never = new AbortController().signal

test('however many wait, one query looks for all of them', async ({ app }) => {
  const { store } = app.deps
  let queries = 0
  const counted = store.withPlugin({
    transformQuery({ node }) {
      queries += 1
      return node
    },
    transformResult: async ({ result }) => result,
  })
  const ends = createRequestEnds({ store: counted, clock: systemClock })
  const ids = await Promise.all(
    Array.from({ length: 40 }, async (_, n) => {
      const { id } = await app.operations.makeRequest({ job: 'take-anything', payload: { n } })
      await cancelRequest(store, id)
      return id
    }),
  )
  await Promise.all(ids.map(id => ends.wait(id, 60_000, never)))
  expect(queries).toBe(1)
})

test('a wait ends when the request is gone, when its time is over, and when nobody waits any more', async ({ app }) => {
  const ends = createRequestEnds(app.deps)
  await ends.wait('none', 60_000, never)
  const { id } = await app.operations.makeRequest({ job: 'take-anything', payload: 'waits' })
  await ends.wait(id, 1, never)
  const gone = new AbortController()
  const waiting = ends.wait(id, 60_000, gone.signal)
  gone.abort()
  await waiting
})

test('a store that is away is looked at again', async ({ app }) => {
  const { store } = app.deps
  let isAway = true
  const flaky = store.withPlugin({
    transformQuery({ node }) {
      if (!isAway) return node
      isAway = false
      throw new Error('away')
    },
    transformResult: async ({ result }) => result,
  })
  await createRequestEnds({ store: flaky, clock: systemClock }).wait('none', 60_000, never)
  expect(isAway).toBe(false)
})
