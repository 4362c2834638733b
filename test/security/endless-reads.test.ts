import fc from 'fast-check'
import { parse } from 'graphql'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { PermanentError } from '../../src/errors.ts'
import type { HasuraClient } from '../../src/hasura/hasura-client.ts'
import { type Rows, rowsOf } from '../../src/hasura/rows.ts'
import { findComparison } from '../../src/pull/compare-values.ts'
import { findHigh } from '../../src/pull/full/full-load.ts'
import { readRanges } from '../../src/pull/full/read-ranges.ts'
import type { PullRun } from '../../src/pull/pull-run.ts'
import { readPages } from '../../src/pull/remote/read-pages.ts'
import type { RemoteTable } from '../../src/pull/remote/remote-table.ts'
import type { ScanOrder, Where } from '../../src/pull/remote/scan.ts'
import { cursorPages } from '../../src/rest/cursor-pages.ts'
import { numberedPages } from '../../src/rest/numbered-pages.ts'
import { offsetPages } from '../../src/rest/offset-pages.ts'
import { PageCheck } from '../../src/rest/page-check.ts'
import { createRestApi, type RestApi } from '../../src/rest/rest-api.ts'
import { systemClock } from '../../src/time/clock.ts'
import { createAccess } from '../fixtures/create-access.ts'
import { failureOf } from '../fixtures/failure-of.ts'
import { allOf } from '../rest/open-api.ts'

const { signal } = new AbortController()

/** A column that a table may be read in the order of; its values grow as the numbers do. */
interface Column {
  readonly type: string
  readonly scalar: string
  readonly value: (n: number) => string
}

const hex = (n: number, digits: number) => n.toString(16).padStart(digits, '0')
const columns = {
  integer: { type: 'integer', scalar: 'Int', value: n => String(n - 40) },
  bigint: { type: 'bigint', scalar: 'bigint', value: n => String(2n ** 62n + BigInt(n)) },
  numeric: { type: 'numeric', scalar: 'numeric', value: n => `${n - 40}.50` },
  // So many digits that some look the same
  real: { type: 'real', scalar: 'float4', value: n => (n / 7).toPrecision(2) },
  uuid: { type: 'uuid', scalar: 'uuid', value: n => `${hex(n, 8)}-0000-4000-8000-000000000000` },
  guid: { type: 'uuid', scalar: 'uniqueidentifier', value: n => `00000000-0000-4000-8000-${hex(n, 12)}` },
  // A microsecond apart
  instant: {
    type: 'timestamp with time zone',
    scalar: 'timestamptz',
    value: n => `2026-01-01T0${n % 2}:59:59.99${String(n).padStart(4, '0')}+0${n % 2}:00`,
  },
  date: { type: 'date', scalar: 'date', value: n => (n === 0 ? '-infinity' : n === 79 ? 'infinity' : day(n)) },
  // A collation that no comparison of bytes knows
  text: {
    type: 'text',
    scalar: 'String',
    value: n => [...String(n).padStart(4, '0')].map(c => 'jQbXaZkCyM'[+c]).join(''),
  },
  enum: { type: 'text', scalar: 'mood', value: n => ['sad', 'ok', 'happy', 'Glad'][Math.floor(n / 20)] ?? '' },
} satisfies Readonly<Record<string, Column>>

function day(n: number): string {
  return n < 10 ? `004${9 - n}-03-15 BC` : new Date(Date.UTC(1950, 0, n * 300)).toISOString().slice(0, 10)
}

const keys = ['integer', 'bigint', 'numeric', 'uuid', 'guid', 'text'] as const
const anyKey = fc.constantFrom(...keys)
const anyCursor = fc.constantFrom<keyof typeof columns>('bigint', 'real', 'instant', 'date', 'text', 'enum', 'guid')

/** `at` and `id` are numbers that grow as the values do, so that a server can sort what the worker can't. */
interface Row {
  readonly at: number
  readonly id: number
}

interface Asked {
  readonly where: Where
  readonly limit: number
  readonly offset: number
}

interface Table {
  readonly order: ScanOrder
  /** As the API writes it. */
  write(row: Row): Record<string, string>
  /** What an honest server answers. */
  select(rows: readonly Row[], asked: Asked): Row[]
}

function tableOf(cursor: keyof typeof columns, key: (typeof keys)[number]): Table {
  const kinds: Record<string, Column> = { at: columns[cursor], id: columns[key] }
  const write = (row: Row) =>
    Object.fromEntries(Object.entries(row).map(([name, n]) => [name, kinds[name]?.value(n) ?? '']))
  const numbers = new Map(Object.entries(kinds).map(([name, { value }]) => [name, numbersOf(value)]))
  const matches = (row: Row, where: Where): boolean =>
    Object.entries(where).every(([field, condition]) => {
      if (field === '_and') return (condition as Where[]).every(each => matches(row, each))
      if (field === '_or') return (condition as Where[]).some(each => matches(row, each))
      return Object.entries(condition as Record<string, string>).every(([operator, text]) => {
        // Equal to all that are written so
        const [least = 0, most = 0] = numbers.get(field)?.get(text) ?? expect.fail(`${field} has no ${text}`)
        const n = row[field as keyof Row]
        if (operator === '_eq') return n >= least && n <= most
        if (operator === '_gt') return n > most
        if (operator === '_gte') return n >= least
        if (operator === '_lt') return n < least
        return n <= most
      })
    })
  return {
    write,
    select: (rows, { where, limit, offset }) =>
      rows
        .filter(row => matches(row, where))
        .sort((a, b) => rank(kinds.at, a.at) - rank(kinds.at, b.at) || a.id - b.id)
        .slice(offset, offset + limit),
    order: {
      columns: ['at', 'id'],
      sentAsNumbers: new Set(),
      comparisons: new Map(Object.entries(kinds).map(([name, column]) => [name, findComparison(column)])),
    },
  }
}

/** Those that look the same are the same to a server that reads them again. */
function rank(column: Column | undefined, n: number): number {
  return column ? (numbersOf(column.value).get(column.value(n))?.[0] ?? n) : n
}

const known = new Map<Column['value'], Map<string, [number, number]>>()

function numbersOf(value: Column['value']): Map<string, [number, number]> {
  const found = known.get(value) ?? new Map<string, [number, number]>()
  if (found.size === 0) {
    for (let n = 0; n < 4_000; n += 1) found.set(value(n), [found.get(value(n))?.[0] ?? n, n])
    known.set(value, found)
  }
  return found
}

const rowsDocument = parse('query Rows { rows { at id } }')
const keyAtDocument = parse('query KeyAt { rows { id } }')
const countDocument = parse('query Count { rows_aggregate { aggregate { count } } }')

/** More than any read here has a use for: a read that goes on for ever ends with this. */
class AskedForEver extends Error {}

interface Api {
  readonly remote: RemoteTable
  asked(): number
}

function apiOf(
  order: ScanOrder,
  answer: (asked: Asked, request: number) => Rows,
  options: { count?: number; patience: number; pageSize?: number },
): Api {
  let requests = 0
  const refuse = () => expect.fail('it is not used')
  const queryRows: HasuraClient['queryRows'] = async (_document, variables) => {
    requests += 1
    if (requests > options.patience) throw new AskedForEver()
    const { where = {}, limit = 0, offset = 0 } = variables as { where?: Where; limit?: number; offset?: number }
    return { ...answer({ where, limit, offset }, requests), length: 1, serverDate: undefined }
  }
  const query = async () => ({ rows_aggregate: { aggregate: { count: options.count } } })
  return {
    asked: () => requests,
    remote: {
      hasura: { role: 'viewer', query: query as HasuraClient['query'], mutate: refuse, queryRows },
      clock: systemClock,
      place: 'rows',
      rows: rowsDocument,
      derived: {
        keys: rowsDocument,
        keyAt: keyAtDocument,
        ...(options.count !== undefined && { count: { document: countDocument, place: 'rows_aggregate' } }),
      },
      where: {},
      key: order,
      pageSize: options.pageSize ?? 5,
    },
  }
}

async function readAll({ remote }: Api): Promise<Record<string, string>[]> {
  const read = { document: rowsDocument, order: remote.key, where: {} }
  const met: Record<string, string>[] = []
  for await (const { rows } of readPages(remote, read, signal)) {
    for (let row = 0; row < Math.min(rows.count, 5); row += 1) {
      met.push(Object.fromEntries(rows.names.map(name => [name, JSON.parse(rows.column(name)?.text(row) ?? '')])))
    }
  }
  return met
}

async function expectEnd(reading: Promise<unknown>): Promise<void> {
  const error = await failureOf(reading)
  expect(error).toBeInstanceOf(PermanentError)
  expect(['order', 'endless', 'response-shape', 'cursor']).toContain(error instanceof PermanentError && error.code)
  expect(error).toMatchObject({ remedy: expect.stringMatching(/./) })
}

const anyRow = fc.record({ at: fc.nat(79), id: fc.nat(79) })
const anyRows = fc.uniqueArray(anyRow, { selector: ({ id }) => id, maxLength: 40 })

describe('a read of a table', () => {
  test('never ends early if the API is honest, whatever is written meanwhile, and finds every row that stays', async () => {
    const change = fc.record({ kind: fc.constantFrom('insert', 'update', 'delete'), row: anyRow })
    const changes = fc.array(fc.array(change, { maxLength: 5 }), { maxLength: 10 })
    await fc.assert(
      fc.asyncProperty(
        anyCursor,
        anyKey,
        anyRows,
        fc.integer({ min: 1, max: 5 }),
        changes,
        async (cursor, key, rows, limit, between) => {
          const table = tableOf(cursor, key)
          const now = new Map(rows.map(row => [row.id, row]))
          const touched = new Set<number>()
          const api = apiOf(
            table.order,
            (asked, request) => {
              for (const { kind, row } of between[request - 1] ?? []) {
                touched.add(row.id)
                if (kind === 'delete') now.delete(row.id)
                else if (kind === 'insert' || now.has(row.id)) now.set(row.id, row)
              }
              const limited = { ...asked, limit: Math.min(limit, asked.limit) }
              return rowsOf(table.select([...now.values()], limited).map(table.write))
            },
            { patience: 1_000, count: 0 },
          )
          const met = (await readAll(api)).map(({ id }) => id)
          const stayed = rows.filter(({ id }) => !touched.has(id)).map(row => table.write(row).id)
          expect(met).toEqual(expect.arrayContaining(stayed))
        },
      ),
    )
  })

  test('ends if pages repeat after any number of others, for all types of the order', async () => {
    await fc.assert(
      fc.asyncProperty(
        anyCursor,
        anyKey,
        fc.uniqueArray(fc.nat(79), { minLength: 1, maxLength: 30 }),
        fc.nat(20),
        async (cursor, key, ids, before) => {
          const table = tableOf(cursor, key)
          const api = apiOf(
            table.order,
            (_asked, request) => {
              const id = request <= before ? 100 + request : (ids[(request - before) % ids.length] ?? 0)
              return rowsOf([table.write({ at: 10, id })])
            },
            { patience: 6 * (ids.length + before) + 20 },
          )
          await expectEnd(readAll(api))
        },
      ),
    )
  })

  test.each(['integer', 'bigint', 'numeric', 'uuid'] as const)(
    'ends at once where keys of type %s go backwards, within a page or from one to the next',
    async key => {
      for (const cursor of ['enum', 'instant', 'bigint'] as const) {
        const table = tableOf(cursor, key)
        for (const size of [1, 2, 5]) {
          const api = apiOf(
            table.order,
            (_asked, request) =>
              rowsOf(Array.from({ length: size }, (_, n) => table.write({ at: 3, id: 3_000 - size * request - n }))),
            { patience: 5 },
          )
          await expectEnd(readAll(api))
        }
      }
    },
  )

  test('ends at once where only the ends of its pages tell that keys go backwards', async () => {
    const table = tableOf('text', 'integer')
    const api = apiOf(
      table.order,
      (_asked, request) =>
        rowsOf(
          [
            { at: 10 + request, id: 1 },
            { at: 3, id: 70 - request },
          ].map(table.write),
        ),
      { patience: 3 },
    )
    await expectEnd(readAll(api))
  })

  test.each(['real', 'instant', 'date', 'bigint'] as const)(
    'ends at once where a cursor of type %s goes backwards, though its keys are new',
    async cursor => {
      const table = tableOf(cursor, 'text')
      const api = apiOf(
        table.order,
        (_asked, request) => rowsOf([table.write({ at: 70 - 20 * request, id: request })]),
        { patience: 3 },
      )
      await expectEnd(readAll(api))
    },
  )

  test('ends if pages never do, whatever they contain: after a million rows and ten times the count', async () => {
    const table = tableOf('text', 'text')
    for (const [count, pages] of [
      [7, 11],
      [100_000, 21],
    ] as const) {
      const api = apiOf(table.order, (_asked, request) => endless(request, 100_000), { patience: 30, count })
      const error = await failureOf(readAll(api))
      expect(error).toMatchObject({ code: 'endless', message: expect.stringContaining(`and counts ${count}`) })
      expect(api.asked()).toBe(pages)
    }
  })

  test('ends after a billion rows if nothing is counted', async () => {
    const table = tableOf('text', 'text')
    const api = apiOf(table.order, (_asked, request) => endless(request, 100_000_000), { patience: 30 })
    expect(await failureOf(readAll(api))).toMatchObject({ code: 'endless' })
    expect(api.asked()).toBe(11)
  })

  /** A page that is as long as it says, and is never looked at as a whole. */
  function endless(request: number, count: number): Rows {
    const text = (row: number) => JSON.stringify(`${String(request).padStart(9, '0')}-${String(row).padStart(9, '0')}`)
    const column = { bytes: Buffer.alloc(0), places: new Uint32Array(), first: 0, step: 0, text }
    return { count, names: ['at', 'id'], column: () => column }
  }
})

describe('a read in ranges', () => {
  const range = { range: 0, behind: undefined, upTo: undefined, position: undefined, rows: 0, done: false }
  const read = {
    ...({ id: '1', purpose: 'sweep', phase: 'reading', definition: '', startedAt: '', high: undefined } as const),
    ...{ total: undefined, staged: false, requestId: '', createdAt: new Date(), here: 0, gone: 0, ranges: [range] },
  }
  const order = { columns: ['id'], sentAsNumbers: new Set<string>() }
  const integers = { ...order, comparisons: new Map([['id', findComparison(columns.integer)]]) }

  async function readInRanges({ remote }: Api, ranges = 2): Promise<void> {
    const context = { signal, progress() {}, async transaction() {} } as unknown as PullRun['context']
    await readRanges({ remote, context, ranges }, rowsDocument, read, async () => {})
  }

  test('ends where there is always a key further on, and never a row', async () => {
    const keyAt = ({ offset }: Asked, request: number) => rowsOf(offset > 0 ? [{ id: request }] : [])
    for (const each of [order, integers]) {
      const api = apiOf(each, keyAt, { patience: 1_000, count: 5, pageSize: 1_000 })
      await expectEnd(readInRanges(api))
    }
  })

  test('ends where the keys further on are the same, come again or go backwards', async () => {
    for (const [each, id] of [
      [order, () => 'x'],
      [order, (request: number) => 'abcdefg'[request % 7]],
      [integers, (request: number) => 1_000_000 - request],
    ] as const) {
      const keyAt = ({ offset }: Asked, request: number) => rowsOf(offset > 0 ? [{ id: id(request) }] : [])
      await expectEnd(readInRanges(apiOf(each, keyAt, { patience: 300, pageSize: 1 })))
    }
  })

  test('ends where each range brings rows and there is always another one', async () => {
    const answer = ({ offset, where }: Asked) => {
      const from = Number(/"_gt":"(\d+)"/.exec(JSON.stringify(where))?.[1] ?? 0)
      const to = /"_lte":"(\d+)"/.exec(JSON.stringify(where))?.[1]
      const next = offset > 0 ? from + offset + 1 : from + 10_000
      return rowsOf(to !== undefined && from >= Number(to) ? [] : [{ id: Math.min(next, Number(to ?? next)) }])
    }
    await expectEnd(readInRanges(apiOf(integers, answer, { patience: 2_000, count: 5, pageSize: 1_000 })))
  })
})

describe('the greatest cursor', () => {
  const find = (column: Column, kind: 'number' | 'local', ...answers: string[]) => {
    const order = { columns: ['at'], sentAsNumbers: new Set<string>() }
    const { remote } = apiOf(order, (_asked, n) => rowsOf([{ at: answers[n - 1] ?? answers.at(-1) }]), { patience: 9 })
    return findHigh({ remote, openedAt: 0 }, { column: 'at', order, type: column.type, kind, lookback: 0 }, signal)
  }

  test('isn’t looked for any more where all that are given come from the future or are no number', async () => {
    await expectEnd(find(columns.date, 'local', '2999-01-01'))
    await expectEnd(find(columns.numeric, 'number', 'NaN'))
    expect(await find(columns.numeric, 'number', 'NaN', 'Infinity', '-Infinity', '7')).toMatchObject({ greatest: '7' })
  })
})

describe('a list of a REST API', () => {
  const item = z.object({ id: z.unknown() })

  function restOf(answer: (query: URLSearchParams, request: number) => unknown, patience: number): RestApi {
    let requests = 0
    return createRestApi({
      ...createAccess(),
      baseUrl: 'http://127.0.0.1/',
      exchange: async address => {
        requests += 1
        if (requests > patience) throw new AskedForEver()
        const body = Buffer.from(JSON.stringify(answer(new URL(address).searchParams, requests)))
        return { status: 200, headers: new Headers(), body }
      },
    })
  }

  const lists = {
    offset: {
      read: (api: RestApi) => allOf(offsetPages(api, { path: '/x', item, max: 3, signal })),
      page: (items: unknown[], _request: number): unknown => items,
    },
    numbered: {
      read: (api: RestApi) => allOf(numberedPages(api, { path: '/x', item, perPage: 3, signal })),
      page: (items: unknown[], _request: number): unknown => ({ data: items }),
    },
    cursor: {
      read: (api: RestApi) => allOf(cursorPages(api, { path: '/x', item, limit: 3, signal })),
      page: (items: unknown[], request: number) => ({ items, next_cursor: `c${request}`, has_more: items.length > 0 }),
    },
  }
  const anyList = fc.constantFrom(...Object.values(lists))

  test('ends where its pages come again after any number of others', async () => {
    await fc.assert(
      fc.asyncProperty(
        anyList,
        fc.integer({ min: 1, max: 9 }),
        fc.nat(9),
        fc.constantFrom([], [{ id: 'b' }]),
        async ({ read, page }, period, before, more) => {
          const at = (request: number) => (request <= before ? 100 + request : request % period)
          const api = restOf(
            (_query, request) => page([{ id: at(request) }, ...more], request),
            300 * (period + before),
          )
          await expectEnd(read(api))
        },
      ),
      { numRuns: 50 },
    )
  })

  test('is never ended where the API is honest, whatever is inserted and deleted meanwhile', async () => {
    const change = fc.record({ at: fc.nat(20), insert: fc.boolean() })
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('offset' as const, 'numbered' as const),
        fc.nat(30),
        fc.array(fc.array(change, { maxLength: 4 }), { maxLength: 20 }),
        async (kind, length, between) => {
          const items = Array.from({ length }, (_, id) => ({ id }))
          let created = length
          const api = restOf((query, request) => {
            for (const { at, insert } of between[request - 1] ?? []) {
              created += 1
              if (insert) items.splice(at, 0, { id: created })
              else items.splice(at, 1)
            }
            const first = kind === 'offset' ? Number(query.get('first')) : 3 * (Number(query.get('page')) - 1)
            return lists[kind].page(items.slice(first, first + 3), request)
          }, 1_000)
          await lists[kind].read(api)
        },
      ),
    )
  })

  test('may give its last item again and again, while it grows at its front', async () => {
    const items = [{ id: 0 }]
    const api = restOf((query, request) => {
      if (request <= 50) items.unshift({ id: request })
      const first = Number(query.get('first'))
      return items.slice(first, first + 3)
    }, 100)
    expect((await lists.offset.read(api)).at(-1)?.items).toEqual([{ id: 0 }])
  })

  test('may hold equal items on all of its pages, where only what the job leaves out differs too', async () => {
    const equal = restOf(
      (_query, request) => lists.offset.page(request > 200 ? [] : [{ id: 1 }, { id: 1 }], request),
      300,
    )
    expect(await lists.offset.read(equal)).toHaveLength(200)
    const alike = restOf(
      (_query, request) => lists.offset.page(request > 200 ? [] : [{ id: 1, at: request }, { id: 2 }], request),
      300,
    )
    expect(await lists.offset.read(alike)).toHaveLength(200)
  })

  test('ends after a hundred thousand pages, whatever they hold', () => {
    const page = new PageCheck('/x').list(z.number())
    for (let n = 0; n < 100_000; n += 1) page.parse([n])
    expect(() => page.parse([0])).toThrow('GET /x returned 100000 pages without an end')
  })
})
