import { parse } from 'graphql'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { Token } from '../../../src/auth/token.ts'
import { createTokenSource } from '../../../src/auth/token-source.ts'
import { OutageError } from '../../../src/errors.ts'
import { createHasuraClient } from '../../../src/hasura/hasura-client.ts'
import { readPages } from '../../../src/pull/remote/read-pages.ts'
import type { RemoteTable } from '../../../src/pull/remote/remote-table.ts'
import { type Answer, status } from '../../fixtures/scripted-server.ts'
import { VirtualClock } from '../../fixtures/virtual-clock.ts'
import { refused, startScriptedHasura } from '../../hasura/scripted-hasura.ts'

const document = parse('query Pull($where: a_bool_exp!, $order_by: [a_order_by!], $limit: Int!) { a { id } }')
const order = { columns: ['id'], sentAsNumbers: new Set(['id']) }

const asked = z.object({ variables: z.object({ limit: z.number() }) })

/** Reads thirty rows of an API that refuses pages of more than ten. */
async function read(clock: VirtualClock, refusal: Answer) {
  const limits: number[] = []
  const left = Array.from({ length: 30 }, (_, id) => ({ id }))
  await using server = await startScriptedHasura((request, response) => {
    const { limit } = asked.parse(server.requests.at(-1)?.body).variables
    limits.push(limit)
    if (limit > 10 && typeof refusal === 'function') return refusal(request, response)
    const answer = limit > 10 ? refusal : { data: { a: left.splice(0, limit) } }
    response.setHeader('content-type', 'application/json').end(JSON.stringify(answer))
  })
  const tokens = createTokenSource({ clock, requestToken: async () => new Token('token', clock.now() + 1e9) })
  const table: RemoteTable = {
    hasura: createHasuraClient({ url: server.url, role: 'viewer', tokens, clock }),
    clock,
    place: 'a',
    rows: document,
    derived: { keys: document },
    where: {},
    key: order,
    pageSize: 100,
  }
  let rows = 0
  const pages = readPages(table, { document, order, where: {} }, new AbortController().signal)
  const error = await (async () => {
    for await (const page of pages) rows += page.rows.count
  })().catch((thrown: unknown) => thrown)
  return { rows, limits, error }
}

test.each([504, 500, 408, 413])('HTTP %d to a page asks for fewer rows', async code => {
  expect(await read(new VirtualClock(), status(code))).toMatchObject({ rows: 30, error: undefined })
})

test.each([
  'timeout',
  'time-limit-exceeded',
  'unexpected',
  'postgres-error',
  'mssql-error',
  'data-connector-error',
  'remote-schema-error',
])('"%s" of Hasura to a page asks for fewer rows', async code => {
  expect(await read(new VirtualClock(), refused(code))).toMatchObject({ rows: 30, error: undefined })
})

test('a page that something on its way cuts off asks for fewer rows', async () => {
  const cutOff: Answer = (_request, response) =>
    response.setHeader('content-type', 'application/json').end('{"data":{"a":[{"id":1},{"i')
  expect(await read(new VirtualClock(), cutOff)).toMatchObject({ rows: 30, error: undefined })
})

test.each([502, 503, 524])('HTTP %d after a long time asks for fewer rows: a proxy gave up waiting', async code => {
  const clock = new VirtualClock()
  const { rows, error } = await read(clock, (request, response) => {
    clock.advance(15_000)
    const answer = status(code)
    if (typeof answer === 'function') answer(request, response)
  })
  expect({ rows, error }).toEqual({ rows: 30, error: undefined })
  expect(clock.pausesMs).toEqual([])
})

test.each([502, 503, 524])('HTTP %d at once is an outage, whatever was asked for', async code => {
  const { rows, limits, error } = await read(new VirtualClock(), status(code))
  expect(error).toBeInstanceOf(OutageError)
  expect(rows).toBe(0)
  expect(new Set(limits)).toEqual(new Set([100]))
})
