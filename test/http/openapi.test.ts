import { readFileSync } from 'node:fs'
import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { createHttp } from '../../src/http/create-http.ts'
import { doors } from '../../src/http/doors.ts'
import { describeApi } from '../../src/http/openapi.ts'
import { routeOf } from '../../src/http/operation-route.ts'
import { letIn } from '../fixtures/let-in.ts'
import { openTestApp, type TestApp } from '../fixtures/open-test-app.ts'
import { takeAnything } from '../fixtures/take-anything.ts'

const answers = z.record(z.string(), z.object({ content: z.record(z.string(), z.unknown()) }))
const documentSchema = z.object({
  openapi: z.literal('3.1.0'),
  paths: z.record(z.string(), z.record(z.string(), z.object({ operationId: z.string(), responses: answers }))),
})
const document = documentSchema.parse(JSON.parse(JSON.stringify(describeApi())))

let app: TestApp
let http: FastifyInstance
beforeAll(async () => {
  app = await openTestApp({ jobs: [takeAnything('take-anything')], firstLogin: null })
  http = createHttp({ operations: app.operations, log: app.logged.log, authorize: letIn })
})
afterAll(async () => {
  await http.close()
  await app[Symbol.asyncDispose]()
})

test('is served to everybody, and is the committed one', async () => {
  const committed = JSON.parse(readFileSync(new URL('../../schema/openapi.json', import.meta.url), 'utf8'))
  expect((await http.inject({ url: '/openapi.json' })).json()).toEqual(committed)
})

describe.each(doors)('$operation.route', ({ operation, name }) => {
  const { method, path } = routeOf(operation)
  const described = document.paths[path.replaceAll(/:(\w+)/g, '{$1}')]?.[method.toLowerCase()]

  test('is described under its own name', () => {
    expect(described?.operationId).toBe(name)
  })

  test.each(['take-anything', 'none', '%00', 'x'.repeat(300)])(
    'gives no answer that is not described: %s',
    async word => {
      const url = path.replaceAll(/:\w+/g, word)
      for (const headers of [{ 'content-type': 'application/json' }, { 'content-type': 'text/plain' }]) {
        const answer = await http.inject({ method, url, ...(method === 'POST' && { headers, body: '{"limit":"x"}' }) })
        const type = String(answer.headers['content-type']).split(';')[0]
        expect(Object.keys(described?.responses[answer.statusCode]?.content ?? {})).toContain(type)
      }
    },
  )
})
