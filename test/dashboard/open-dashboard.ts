import type { FastifyInstance } from 'fastify'
import type { Access } from '../../src/dashboard/access.ts'
import { addDashboard } from '../../src/dashboard/create-dashboard.ts'
import { createLinkAccess } from '../../src/dashboard/link-access.ts'
import { createRunLog, type RunLog } from '../../src/dashboard/run-log.ts'
import { off } from '../../src/http/authorize.ts'
import { createHttp } from '../../src/http/create-http.ts'
import { createRequestEnds } from '../../src/runs/request-ends.ts'
import { systemClock } from '../../src/time/clock.ts'
import type { TestApp } from '../fixtures/open-test-app.ts'

/** A dashboard on a real port, and somebody who has opened its link. */
export interface TestDashboard extends AsyncDisposable {
  readonly url: string
  readonly http: FastifyInstance
  readonly runLog: RunLog
  readonly link: () => string
  /** Of whoever has opened the link. */
  readonly cookie: string
  get(page: string, headers?: Readonly<Record<string, string>>): Promise<Answer>
  /** As the browser sends a form of the dashboard. */
  post(
    page: string,
    fields: Readonly<Record<string, string>>,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Answer>
}

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

/** Adds the dashboard of the app to what HTTP serves. */
export function addTestDashboard(
  http: FastifyInstance,
  app: TestApp,
  access: Access,
  runLog = createRunLog(),
  clock = systemClock,
): void {
  const { log } = app.logged
  const operationDeps = { deps: app.deps, tickets: undefined, ends: createRequestEnds(app.deps) }
  addDashboard(http, { app: operationDeps, operations: app.operations, access, runLog, log, clock })
}

export async function openTestDashboard(app: TestApp, clock = systemClock): Promise<TestDashboard> {
  const { log } = app.logged
  const http = createHttp({ operations: app.operations, authorize: off, log })
  const access = createLinkAccess(1, systemClock)
  const runLog = createRunLog()
  addTestDashboard(http, app, access, runLog, clock)
  const url = await http.listen({ host: '127.0.0.1', port: 0 })
  const link = () => `${url}${access.makeLink()}`
  const entered = await fetch(link(), { redirect: 'manual' })
  const cookie = entered.headers.getSetCookie()[0]?.split(';')[0] ?? ''
  const ask = async (page: string, init: RequestInit): Promise<Answer> => {
    const response = await fetch(`${url}/dashboard/${page}`, { redirect: 'manual', ...init })
    return { status: response.status, headers: response.headers, text: await response.text() }
  }
  return {
    url,
    http,
    runLog,
    link,
    cookie,
    get: (page, headers = {}) => ask(page, { headers: { cookie, ...headers } }),
    post: (page, fields, headers = {}) =>
      ask(page, {
        method: 'POST',
        headers: { cookie, 'sec-fetch-site': 'same-origin', ...headers },
        body: new URLSearchParams(fields),
      }),
    async [Symbol.asyncDispose]() {
      await http.close()
    },
  }
}

/** The hidden fields of a page's form that makes a change. */
export function fieldsOf(text: string): Record<string, string> {
  const form = /<form class="buttons".*?<\/form>/s.exec(text)?.[0] ?? ''
  return Object.fromEntries(
    [...form.matchAll(/name="([^"]+)" value="([^"]*)"/g)].map(([, name = '', value = '']) => [name, value]),
  )
}
