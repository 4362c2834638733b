import { randomBytes, randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { z } from 'zod'
import { defineJob, type JobDefinition } from '../../src/definitions/define-job.ts'
import { runLine } from '../../src/execution/run-line.ts'
import { mirrorRows } from '../../src/mirror/mirror-rows.ts'
import type { Observer } from '../../src/observer/observer.ts'
import { defineWebhook } from '../../src/webhooks/define-webhook.ts'
import type { Sandbox } from '../fixtures/open-sandbox.ts'
import { type Backend, openTestApp, type TestApp } from '../fixtures/open-test-app.ts'
import { runPull } from '../fixtures/run-pull.ts'
import { startReceiver } from './start-receiver.ts'

const payload = z.strictObject({
  rows: z
    .array(z.strictObject({ id: z.string(), n: z.string().nullable(), m: z.number().nullable().default(null) }))
    .default([]),
  deleted: z.array(z.string()).default([]),
})

/** Where the canaries of a test stand. */
export const newSecret = () => `whsec_${randomBytes(32).toString('base64')}`

/** An app whose settings a test may change, as an operator would those of a running worker. */
export async function openWebhooks(backend: Backend, sandbox: Sandbox) {
  const env: Record<string, string> = { WEBHOOK_PRIVATE_HOSTS: '127.0.0.1' }
  const readSecretFile = () => Promise.reject(new Error('there are no files here'))
  const settings = { env, readSecretFile }
  const messages: { readonly job: string; readonly outcome: string }[] = []
  const observer: Partial<Observer> = {
    messageSent: ({ job }, { outcome }) => void messages.push({ job, outcome }),
  }
  const app = await openTestApp({ backend, sandbox, firstLogin: null, jobs: [], settings, observers: [observer] })
  return { app, env, messages, [Symbol.asyncDispose]: () => app[Symbol.asyncDispose]() }
}

/** A table, the job that writes it, a webhook on it, its receiver and, unless one is given, an account of its own. */
export async function openSubscription(
  app: TestApp,
  env: Record<string, string>,
  {
    rows = false,
    secret = newSecret(),
    account = app.addAccount(),
    url,
  }: { rows?: boolean; secret?: string; account?: string; url?: string } = {},
) {
  const id = randomUUID().slice(0, 8)
  // One column is called like the table in the query for rows.
  const table = mirrorRows({ into: `things_${id}`, key: 'id', columns: { id: 'text', n: 'numeric', m: 'integer' } })
  const writer = defineJob({
    name: `write-${id}`,
    payload,
    into: table.into,
    async run(_session, { payload: wanted, transaction }) {
      const counts = await transaction(async tx => {
        await table.ensure(tx)
        const written = await table.write(tx, account, wanted.rows)
        const keys = wanted.deleted.map(key => [key])
        return { ...written, deleted: keys.length > 0 ? await table.markDeleted(tx, account, keys) : 0 }
      })
      return { counts }
    },
  })
  const webhook = defineWebhook({ name: `hook-a${id}`, tables: [table], rows })
  const receiver = await startReceiver(secret)
  const variable = `HOOK_A${id.toUpperCase()}`
  env[`${variable}_URL`] = url ?? receiver.url
  env[`${variable}_SECRET`] = secret
  app.addJob(writer)
  app.addJob(webhook)
  const { store } = app.deps
  const line = { account, job: webhook.name }
  const deliver = (stopping = new AbortController().signal) => runLine(app.deps, line, stopping, () => 'end')
  const pass = async (seconds: number) => {
    const back = sql`make_interval(secs => ${seconds})`
    await sql`update worker.holds set probe_at = probe_at - ${back}, asked_until = asked_until - ${back}
      where account = ${account}`.execute(store)
    await sql`update worker.webhooks set failing_since = failing_since - ${back}, failed_at = failed_at - ${back}
      where account = ${account}`.execute(store)
  }
  return {
    ...line,
    table,
    writer: writer satisfies JobDefinition,
    variable,
    webhook: webhook satisfies JobDefinition,
    receiver,
    secret,
    write: (given: z.input<typeof payload>) => runPull(app, writer, account, { payload: given as object }),
    /** One claim of the line, as a worker makes it. */
    deliver,
    ask: (wanted: object = {}) =>
      app.operations.makeRequest({ job: webhook.name, account, payload: wanted, trigger: 'cli', caller: 'test' }),
    requests: async () => (await app.operations.listRequests({ account, job: webhook.name, limit: 50 })).toReversed(),
    holds: async () => (await app.operations.listHolds()).filter(hold => hold.account === account),
    /** As if so much time had passed. */
    pass,
    /** One claim every five hours. */
    async deliverFor(hours: number) {
      for (let passed = 0; passed < hours; passed += 5) {
        await deliver()
        await pass(5 * 3_600)
      }
    },
    async secondsToProbe(): Promise<number | undefined> {
      const { rows: held } = await sql<{ seconds: number }>`
        select ceil(extract(epoch from probe_at - now()))::float8 as seconds from worker.holds
        where account = ${account} and job = ${webhook.name}`.execute(store)
      return held[0]?.seconds
    },
    [Symbol.asyncDispose]: () => receiver[Symbol.asyncDispose](),
  }
}
