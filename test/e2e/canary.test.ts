import { writeFile } from 'node:fs/promises'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { openDatabase } from '../../src/store/open-database.ts'
import { type Ended, openHome, run, startWorker } from '../cli/run-command.ts'
import { captureLog } from '../fixtures/captured-log.ts'
import { openSandbox } from '../fixtures/open-sandbox.ts'

/** Words that stand in rows and nowhere else. */
const harmless = 'walrus-4711'
const troubling = 'zebra-4711'
const published = 'c0000000-0000-4000-8000-000000000001'

test('secrets, tokens and row data stand nowhere but where they belong', { timeout: 90_000 }, async () => {
  await using sandbox = await openSandbox({ tokenLifetimeSeconds: 2 })
  const { idp, hasura } = sandbox
  await using home = await openHome(sandbox, 'canary')
  const clientSecret = 'secret/canary+5c0e'
  idp.rotateSecret('canary', clientSecret)
  await writeFile(home.secretFile, `${clientSecret}\n`)
  idp.addClient({ clientId: 'stranger', clientSecret: 's', roles: [], audience: ['hasura-sync-worker'] })
  const env = {
    ...home.env,
    LOG_LEVEL: 'trace',
    HTTP_ISSUER: idp.issuer,
    HTTP_AUDIENCE: 'hasura-sync-worker',
    HTTP_ROLE: 'request-jobs',
  }
  const written: string[] = []
  const keep = (ended: Ended): Ended => {
    written.push(ended.out, ended.err)
    return ended
  }
  const quietly = async (...argv: string[]) => keep(await run({ ...env, LOG_LEVEL: 'silent' }, ...argv))

  // A row that Postgres will refuse, quoting it, and one that it takes.
  expect((await quietly('run', 'sync-articles')).code).toBe(0)
  await inStore(env.DATA_DIR, store =>
    sql`alter table mirror.articles add check (title not like ${sql.lit(`%${troubling}%`)})`.execute(store),
  )
  await hasura.sql('update public.articles set title = $1 where id = $2', [troubling, published])
  await hasura.sql("update public.topics set title = $1 where title = 'Topic 05'", [harmless])
  // Hasura's own words quote a value as well.
  hasura.fault(
    { operationName: 'PullUsers' },
    { kind: 'graphql-error', code: 'data-exception', message: `invalid input syntax for type uuid: "${troubling}"` },
  )

  await using worker = await startWorker(env)
  const latest = async (job: string) =>
    JSON.parse((await quietly('runs', '--json', '--job', job, '--limit', '1')).out)[0]
  await quietly('enqueue', 'sync-articles')
  await expect.poll(() => latest('sync-articles'), { timeout: 20_000 }).toMatchObject({ state: 'failed' })
  expect((await quietly('enqueue', 'sync-users', '--wait', '--json')).code).toBe(1)
  expect((await quietly('enqueue', 'sync-topics', '--wait', '--json')).code).toBe(0)
  expect((await quietly('enqueue', 'sync-topics', '--payload', `{"title":"${troubling}"}`)).code).toBe(2)
  idp.setRoles('canary', ['editor'])
  await expect.poll(async () => (await quietly('run', 'sync-topics')).code, { timeout: 15_000, interval: 300 }).toBe(3)
  idp.rotateSecret('canary', 'another')
  await expect
    .poll(async () => (await quietly('run', 'sync-topics')).err, { timeout: 15_000, interval: 300 })
    .toContain('Keycloak refused client')

  const address = /"address":"([^"]+)"/.exec(worker.err())?.[1]
  for (const body of ['{}', `{"title": ${troubling}`, `{"payload":{"title":"${troubling}"}}`]) {
    const headers = { authorization: `Bearer ${await idp.issueToken('stranger')}`, 'content-type': 'application/json' }
    const response = await fetch(`${address}/jobs/sync-topics/requests`, { method: 'POST', headers, body })
    expect(response.status).toBe(403)
    written.push(await response.text())
  }
  for (const list of ['runs', 'holds', 'jobs', 'accounts']) await quietly(list, '--json')
  worker.kill('SIGTERM')
  const { err } = keep(await worker.ended)
  expect(err).toContain('23514')
  expect(err).toContain('run refused')
  expect(err).toContain('data-exception')

  const tables = await inStore(env.DATA_DIR, async store => {
    const mirrored = await sql<{ title: string }>`select title from mirror.topics where title = ${harmless}`.execute(
      store,
    )
    expect(mirrored.rows).toHaveLength(1)
    const { rows } = await sql<{ name: string }>`
      select format('%I.%I', table_schema, table_name) as name from information_schema.tables
      where table_schema not in ('mirror', 'pg_catalog', 'information_schema') and table_type = 'BASE TABLE'`.execute(
      store,
    )
    const contents = await Promise.all(
      rows.map(({ name }) =>
        sql<{ all: string }>`select coalesce(json_agg(t), '[]')::text as all from ${sql.raw(name)} t`.execute(store),
      ),
    )
    return contents.flatMap(content => content.rows.map(row => row.all))
  })
  expect(tables.join()).toContain('sync-articles')
  expect(tables.length).toBeGreaterThan(8)

  const everything = [...written, ...tables].join('\n')
  const basic = Buffer.from(`canary:${encodeURIComponent(clientSecret)}`).toString('base64')
  for (const canary of [harmless, troubling, clientSecret, encodeURIComponent(clientSecret), basic]) {
    expect(around(everything, canary)).toBeUndefined()
  }
  expect(/eyJ[\w-]{10,}\.[\w-]*/.exec(everything)?.[0]).toBeUndefined()
})

/** The text beside a find, which says where it came from. */
function around(text: string, word: string): string | undefined {
  const at = text.indexOf(word)
  return at < 0 ? undefined : text.slice(Math.max(0, at - 300), at + word.length + 50)
}

async function inStore<T>(
  dataDir: string,
  work: (store: Awaited<ReturnType<typeof openDatabase>>['store']) => Promise<T>,
) {
  await using database = await openDatabase({ dataDir }, captureLog().log)
  return await work(database.store)
}
