import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { sql } from 'kysely'
import { describe, expect } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { PullArticlesDocument } from '../../examples/wiki/src/generated/graphql.ts'
import { createAuthorize } from '../../src/http/authorize.ts'
import { pullSync } from '../../src/pull/pull-sync.ts'
import { canRun } from '../fixtures/can-run.ts'
import { httpTest } from '../fixtures/http-test.ts'
import type { TestApp } from '../fixtures/open-test-app.ts'
import { cronEvent } from '../http/hasura-events.ts'
import { startEventTrigger } from '../sandbox/hasura/event-triggers.ts'
import { findCodeBlocks, findSection, readDocument } from './markdown.ts'
import { runSnippet } from './run-snippet.ts'

const execute = promisify(execFile)
const guide = readDocument('docs/integrating.md')
const audience = 'hasura-sync-worker'
const role = 'request-jobs'

function block(heading: string, language: string, place = 0): string {
  const blocks = findCodeBlocks(findSection(guide, heading)).filter(found => found.language === language)
  return blocks[place]?.code ?? expect.fail(`"${heading}" has no ${language}`)
}

/** As the guide writes it. */
const syncArticles = pullSync({
  name: 'sync-articles',
  document: PullArticlesDocument,
  role: 'viewer',
  key: 'id',
  cursor: 'updated_at',
  into: 'articles',
  schedule: { everySeconds: 300 },
  on: { table: 'articles' },
})

/** Only what asks for it makes it run. */
const { schedule: _, ...onDemand } = syncArticles

const test = httpTest
  .extend('appOptions', { scope: 'file' }, { jobs: [onDemand], clients: [{ clientId: 'north' }] })
  .extend('httpOptions', { scope: 'file' }, ({ sandbox: { idp } }) => {
    idp.addClient({ clientId: 'shop', clientSecret: 'secret', realmRoles: [role], audience: [audience] })
    return {
      authorize: createAuthorize({ issuer: idp.issuer, audience, role }),
      knowsHookSecret: async (shown: string | undefined) => shown === 'the-secret',
    }
  })
  .extend('serving', { scope: 'file', auto: true }, async ({ apps }) => (await apps('embedded')).serve())
  .extend('folder', { scope: 'file' }, async ({ closing }) => {
    const folder = await mkdtemp(join(tmpdir(), 'integrating-'))
    closing.defer(() => rm(folder, { recursive: true, force: true }))
    return folder
  })
  .extend('surroundings', { scope: 'file' }, async ({ sandbox: { idp }, url }) => {
    const { token_endpoint } = z
      .object({ token_endpoint: z.string() })
      .parse(await (await fetch(`${idp.issuer}/.well-known/openid-configuration`)).json())
    return {
      PATH: process.env.PATH ?? '',
      WORKER: url,
      ISSUER: idp.issuer,
      TOKEN_URL: token_endpoint,
      CLIENT_ID: 'shop',
      CLIENT_SECRET: 'secret',
    }
  })

test.skipIf(!(await canRun('curl', '--version')))('curl', async ({ surroundings }) => {
  const { stdout } = await execute('sh', ['-euc', block('curl', 'bash')], { env: surroundings })
  expect(JSON.parse(stdout)).toMatchObject({ account: 'north', job: 'sync-articles', state: 'done' })
})

test('TypeScript', async ({ folder, surroundings }) => {
  const files = { 'request.ts': block('TypeScript', 'ts') }
  expect(await runSnippet(folder, files, 'request.ts', { env: surroundings })).toBe('done\n')
})

test.skipIf(!(await canRun('python3', '--version')))('Python', async ({ surroundings }) => {
  const { stdout } = await execute('python3', ['-c', block('Python', 'python')], { env: surroundings })
  expect(stdout).toBe('done\n')
})

describe('SQL', () => {
  const made = async (app: TestApp) => {
    const { rows } = await sql<{ job: string; account: string; payload: unknown; priority: string }>`
      select job, account, payload, priority from worker.requests where trigger = 'sql'`.execute(app.deps.store)
    return rows
  }

  test('makes a request if and only if its transaction commits', async ({ app }) => {
    const { store } = app.deps
    await sql`create table if not exists orders (id int)`.execute(store)
    const [, ...statements] = block('SQL', 'sql')
      .split(';')
      .map(statement => statement.trim())
    const inside = statements.slice(0, statements.indexOf('commit'))
    expect(inside).toHaveLength(2)
    const runAll = (end: () => void) =>
      store.transaction().execute(async tx => {
        for (const statement of inside) await sql.raw(statement).execute(tx)
        end()
      })
    const brokenOff = new Error('rolled back')
    await expect(
      runAll(() => {
        throw brokenOff
      }),
    ).rejects.toBe(brokenOff)
    expect(await made(app)).toEqual([])
    await runAll(() => {})
    expect(await made(app)).toEqual([
      { job: 'sync-articles', account: 'north', payload: { full: true }, priority: 'high' },
    ])
  })

  test('makes one request for each statement by a trigger', async ({ app }) => {
    const { store } = app.deps
    await sql`create table if not exists orders (id int)`.execute(store)
    for (const statement of block('SQL', 'sql', 1).split('\n\n')) await sql.raw(statement).execute(store)
    await sql`insert into orders (id) values (1), (2), (3)`.execute(store)
    expect((await made(app)).filter(({ priority }) => priority === 'normal')).toEqual([
      { job: 'sync-articles', account: 'north', payload: {}, priority: 'normal' },
    ])
    await sql`drop trigger request_sync on orders`.execute(store)
  })
})

describe("Hasura's triggers", () => {
  const heading = "Hasura's triggers"
  const [events, crons] = findCodeBlocks(findSection(guide, heading))
    .filter(({ language }) => language === 'yaml')
    .map(({ code }) => code)
  /** What Hasura 2 takes, as far as the guide uses it; anything else there is a mistake. */
  const headers = z.array(z.strictObject({ name: z.string(), value_from_env: z.literal('SYNC_WORKER_HOOK_SECRET') }))
  const operation = z.strictObject({ columns: z.literal('*'), payload: z.array(z.string()) })
  const eventTriggers = z.strictObject({
    event_triggers: z.tuple([
      z.strictObject({
        name: z.string().regex(/^[A-Za-z][\w-]{0,41}$/),
        definition: z.strictObject({
          enable_manual: z.boolean(),
          insert: operation,
          update: operation,
          delete: operation,
        }),
        retry_conf: z.strictObject({ num_retries: z.int().min(1), interval_sec: z.int(), timeout_sec: z.int() }),
        webhook: z.string(),
        headers,
      }),
    ]),
  })
  const cronTriggers = z.tuple([
    z.strictObject({
      name: z.string(),
      webhook: z.string(),
      schedule: z.string(),
      include_in_metadata: z.boolean(),
      payload: z.unknown(),
      retry_conf: z.strictObject({
        num_retries: z.int().min(1),
        retry_interval_seconds: z.int(),
        timeout_seconds: z.int(),
        tolerance_seconds: z.int(),
      }),
      headers,
    }),
  ])
  const withUrl = (surroundings: Record<string, string>, text = '') =>
    parse(text.replaceAll('{{SYNC_WORKER_URL}}', surroundings.WORKER ?? ''))
  const shown = (names: z.infer<typeof headers>) => Object.fromEntries(names.map(({ name }) => [name, 'the-secret']))

  test('an event trigger brings a change to the mirror', async ({ app, surroundings }) => {
    const [trigger] = eventTriggers.parse(withUrl(surroundings, events)).event_triggers
    const { name, webhook } = trigger
    await using _trigger = await startEventTrigger(app.hasura, {
      name,
      table: 'articles',
      webhook,
      headers: shown(trigger.headers),
    })
    const articles = await app.hasura.sql(
      "update articles set title = 'by an event', updated_at = now() where id in (select id from articles where status = 'published' limit 1) returning id::text",
    )
    const id = String(articles[0]?.id)
    await expect
      .poll(async () => {
        const { rows } = await sql<{ title: string }>`select title from mirror.articles where id = ${id}`.execute(
          app.deps.store,
        )
        return rows[0]?.title
      })
      .toBe('by an event')
  })

  test('a cron trigger makes the request that its payload names', async ({ surroundings }) => {
    const [{ name, webhook, payload, headers: names }] = cronTriggers.parse(withUrl(surroundings, crons))
    const answer = await fetch(webhook, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...shown(names) },
      body: JSON.stringify(cronEvent({ name, payload })),
    })
    expect(await answer.json()).toMatchObject({ requests: [{ job: 'sync-articles', account: 'north' }] })
    expect(answer.status).toBe(202)
  })

  test('the job that the guide shows is the one that is tried here', () => {
    const shownJob = block(heading, 'ts').slice(block(heading, 'ts').indexOf('pullSync({'))
    const options = [...shownJob.matchAll(/^ {2}(\w+): (.+),$/gm)].map(([, option, value]) => `${option}: ${value}`)
    expect(options).toEqual([
      "name: 'sync-articles'",
      'document: PullArticlesDocument',
      "role: 'viewer'",
      "key: 'id'",
      "cursor: 'updated_at'",
      "into: 'articles'",
      'schedule: { everySeconds: 300 }',
      "on: { table: 'articles' }",
    ])
    expect(syncArticles.on).toEqual({ table: { schema: 'public', name: 'articles' } })
  })
})
