import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { cursorPages } from '../../src/rest/cursor-pages.ts'
import { numberedPages } from '../../src/rest/numbered-pages.ts'
import { offsetPages } from '../../src/rest/offset-pages.ts'
import { createRestApi, type RestApi } from '../../src/rest/rest-api.ts'
import { createAccess } from '../fixtures/create-access.ts'
import { failureOf } from '../fixtures/failure-of.ts'
import { allOf } from './open-api.ts'

const { signal } = new AbortController()
const item = z.object({ id: z.number() })

/** An API whose answers a function makes out of the query; undefined is HTTP 204. Everything but the network is real. */
function apiOf(answer: (query: URLSearchParams) => unknown): { api: RestApi; queries: string[] } {
  const queries: string[] = []
  const api = createRestApi({
    ...createAccess(),
    baseUrl: 'http://127.0.0.1/',
    exchange: async address => {
      const { searchParams } = new URL(address)
      queries.push(String(searchParams))
      const json = answer(searchParams)
      const content =
        json === undefined ? { status: 204, body: Buffer.alloc(0) } : { status: 200, body: jsonBytes(json) }
      return { ...content, headers: new Headers() }
    },
  })
  return { api, queries }
}

const jsonBytes = (json: unknown) => Buffer.from(JSON.stringify(json))
const rows = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => ({ id: from + index }))

describe('pages by cursor', () => {
  /** Cursors in this order, the last page without more. */
  function listOf(...cursors: (string | null)[]) {
    return apiOf(query => {
      const at = cursors.indexOf(query.get('cursor')) + 1
      const next = cursors[at] ?? null
      return { items: [{ id: at }], next_cursor: next, has_more: next !== null, limit: 2 }
    })
  }

  test('are read until there is no next one; an empty page is not the end', async () => {
    const { api, queries } = apiOf(query =>
      query.has('cursor')
        ? { items: [{ id: 1 }], next_cursor: null, has_more: false, limit: 2 }
        : { items: [], next_cursor: 'c1', has_more: true, limit: 2 },
    )
    const pages = await allOf(cursorPages(api, { path: '/x', item, query: { status: 'active' }, limit: 2, signal }))
    expect(pages).toEqual([
      { items: [], next: 'c1' },
      { items: [{ id: 1 }], next: undefined },
    ])
    expect(queries).toEqual(['status=active&limit=2', 'status=active&limit=2&cursor=c1'])
  })

  test('end with a page without content', async () => {
    const { api } = apiOf(query =>
      query.has('cursor') ? undefined : { items: [{ id: 1 }], next_cursor: 'c1', has_more: true, limit: 2 },
    )
    const pages = await allOf(cursorPages(api, { path: '/x', item, signal }))
    expect(pages.flatMap(({ items }) => items)).toEqual([{ id: 1 }])
  })

  test('continue where the last read stopped', async () => {
    const { api, queries } = listOf('a', 'b', 'c')
    const [first] = await allOf(cursorPages(api, { path: '/x', item, signal }))
    const rest = await allOf(cursorPages(api, { path: '/x', item, from: first?.next, signal }))
    expect(rest.map(({ next }) => next)).toEqual(['b', 'c', undefined])
    expect(queries.at(-3)).toBe('limit=100&cursor=a')
  })

  test.each([
    ['repeats the cursor', (cursor: string | null) => cursor ?? 'a'],
    ['goes in a circle', (cursor: string | null) => String((Number(cursor ?? 0) + 1) % 7)],
    [
      'goes into a circle behind a long way',
      (cursor: string | null) => {
        const at = Number(cursor ?? 0) + 1
        return String(at > 120 ? 100 : at)
      },
    ],
  ])('end with an error where the API %s', async (_name, follow) => {
    const { api, queries } = apiOf(query => ({
      items: [],
      next_cursor: follow(query.get('cursor')),
      has_more: true,
      limit: 2,
    }))
    const error = await failureOf(allOf(cursorPages(api, { path: '/x', item, signal })))
    expect(error).toMatchObject({ code: 'cursor', message: expect.stringContaining('the list would never end') })
    expect(queries.length).toBeLessThan(400)
  })

  test('end at once where the API repeats the cursor, however late', async () => {
    const { api, queries } = apiOf(query => {
      const next = String(Math.min(150, Number(query.get('cursor') ?? 0) + 1))
      return { items: [], next_cursor: next, has_more: true }
    })
    await failureOf(allOf(cursorPages(api, { path: '/x', item, signal })))
    expect(queries).toHaveLength(151)
  })

  test.each([[null], [''], [undefined]])('end with an error if there is more after the cursor %j', async cursor => {
    const { api } = apiOf(() => ({ items: [], next_cursor: cursor, has_more: true }))
    expect(await failureOf(allOf(cursorPages(api, { path: '/x', item, signal })))).toMatchObject({
      code: 'cursor',
    })
  })

  test('say in which item the shape is another', async () => {
    const { api } = apiOf(() => ({ items: [{ id: 1 }, { id: 'canary' }], next_cursor: null, has_more: false }))
    const error = await failureOf(allOf(cursorPages(api, { path: '/x', item, signal })))
    expect(error.message).toContain('number expected at items.1.id')
  })

  test('a thousand of them leave nothing behind', async () => {
    const text = 'x'.repeat(100_000)
    const { api } = apiOf(query => {
      const at = Number(query.get('cursor') ?? 0) + 1
      return { items: [{ id: at, text }], next_cursor: String(at), has_more: at < 1_000, limit: 1 }
    })
    const big = z.object({ id: z.number(), text: z.string() })
    const kept: WeakRef<object>[] = []
    let before = 0
    for await (const page of cursorPages(api, { path: '/x', item: big, limit: 1, signal })) {
      kept.push(new WeakRef(page))
      if (kept.length === 100) before = await heapAfterCollection()
    }
    expect(kept).toHaveLength(1_000)
    // 900 pages more are 90 MB of text.
    expect((await heapAfterCollection()) - before).toBeLessThan(20_000_000)
    expect(kept.filter(page => page.deref()).length).toBeLessThan(10)
  })
})

describe('pages by offset', () => {
  test('end with an empty page, not with a short one, and continue after what was received', async () => {
    // The server gives 3 at most, whatever is asked for.
    const { api, queries } = apiOf(query =>
      rows(0, 7)
        .slice(Number(query.get('first')))
        .slice(0, 3),
    )
    const pages = await allOf(offsetPages(api, { path: '/x', item, max: 5, query: { brief: true }, signal }))
    expect(pages.flatMap(page => page.items)).toEqual(rows(0, 7))
    expect(pages.map(({ next }) => next)).toEqual([3, 6, 7])
    expect(queries).toEqual([0, 3, 6, 7].map(first => `brief=true&first=${first}&max=5`))
  })

  test('continue where the last read stopped', async () => {
    const { api } = apiOf(query => rows(Number(query.get('first')), 7).slice(0, 3))
    const pages = await allOf(offsetPages(api, { path: '/x', item, max: 3, from: 6, signal }))
    expect(pages).toEqual([{ items: [{ id: 6 }], next: 7 }])
  })

  test('end with a page without content', async () => {
    const { api } = apiOf(query => (query.get('first') === '0' ? rows(0, 3) : undefined))
    expect(await allOf(offsetPages(api, { path: '/x', item, signal }))).toEqual([{ items: rows(0, 3), next: 3 }])
  })

  test('end with an error where the API has no pages', async () => {
    const { api } = apiOf(() => rows(0, 200))
    const error = await failureOf(allOf(offsetPages(api, { path: '/x', item, signal })))
    expect(error).toMatchObject({ code: 'page-size' })
  })

  test('end with an error soon where the API has no pages, and one item', async () => {
    const { api, queries } = apiOf(() => rows(0, 1))
    const error = await failureOf(allOf(offsetPages(api, { path: '/x', item, signal })))
    expect(error).toMatchObject({ code: 'endless', found: expect.stringContaining('the same pages again and again') })
    expect(queries.length).toBeLessThan(200)
  })
})

describe('pages by number', () => {
  const listOf = (cap: number) =>
    apiOf(query => {
      const size = Math.min(cap, Number(query.get('per_page')))
      return {
        data: rows(0, 7)
          .slice((Number(query.get('page')) - 1) * size)
          .slice(0, size),
      }
    })

  test('end with an empty page, also where the API gives less than was asked for', async () => {
    const { api, queries } = listOf(3)
    const pages = await allOf(numberedPages(api, { path: '/x', item, perPage: 5, signal }))
    expect(pages.flatMap(page => page.items)).toEqual(rows(0, 7))
    expect(pages.map(({ next }) => next)).toEqual([2, 3, 4])
    expect(queries[0]).toBe('page=1&per_page=5')
  })

  test('continue where the last read stopped', async () => {
    const { api } = listOf(100)
    expect(await allOf(numberedPages(api, { path: '/x', item, perPage: 5, from: 2, signal }))).toEqual([
      { items: rows(5, 7), next: 3 },
    ])
  })

  test('end with a page without content', async () => {
    const { api } = apiOf(query => (query.get('page') === '1' ? { data: rows(0, 3) } : undefined))
    expect(await allOf(numberedPages(api, { path: '/x', item, signal }))).toEqual([{ items: rows(0, 3), next: 2 }])
  })

  test('end with an error where the API has no pages', async () => {
    const { api } = apiOf(() => ({ data: rows(0, 7) }))
    const error = await failureOf(allOf(numberedPages(api, { path: '/x', item, perPage: 5, signal })))
    expect(error).toMatchObject({ code: 'page-size' })
  })
})

setFlagsFromString('--expose-gc')
const collect: () => void = runInNewContext('gc')

async function heapAfterCollection(): Promise<number> {
  // What the running task has seen is kept until its end.
  await new Promise(resolve => setImmediate(resolve))
  collect()
  return process.memoryUsage().heapUsed
}
