import { setTimeout as delay } from 'node:timers/promises'
import type pg from 'pg'
import { every } from './every.ts'
import { lookbackSeconds } from './jobs/names.ts'
import type { Random } from './random.ts'

/** The longest time between a row's timestamp and its commit, in milliseconds; the lookback of pulls is longer. */
const latestMs = (lookbackSeconds * 1_000) / 2
const topic = 'b0000000-0000-4000-8000-000000000001'

/** Changes articles in transactions that commit late; each row has its transaction's start as its time. */
export function startWriters(pool: pg.Pool, random: Random): AsyncDisposable {
  const writers = Array.from({ length: 4 }, () =>
    every(
      () => random.between(20, 500),
      () => write(pool, random),
    ),
  )
  return {
    async [Symbol.asyncDispose]() {
      await Promise.all(writers.map(writer => writer[Symbol.asyncDispose]()))
    },
  }
}

async function write(pool: pg.Pool, random: Random): Promise<void> {
  const begun = performance.now()
  const client = await pool.connect()
  try {
    await client.query('begin')
    const changes = random.between(1, 4)
    for (let n = 0; n < changes; n++) await change(client, random)
    if (random.next() < 0.4) await delay(random.between(0, latestMs / 2))
    await client.query(performance.now() - begun < latestMs ? 'commit' : 'rollback')
  } catch {
    // Two writers may deadlock.
    await client.query('rollback').catch(() => {})
  } finally {
    client.release()
  }
}

async function change(client: pg.PoolClient, random: Random): Promise<void> {
  const chance = random.next()
  const any = `select id from public.articles order by md5(id::text || $1) limit 1 for update skip locked`
  const salt = String(random.next())
  // Few are deleted or hidden: a third of them at once would look like a lost permission.
  if (chance < 0.08) {
    await client.query(`insert into public.articles (topic_id, title, status) values ($1, $2, 'published')`, [
      topic,
      `Chaos ${salt}`,
    ])
  } else if (chance < 0.94) {
    await client.query(`update public.articles set revision = revision + 1 where id in (${any})`, [salt])
  } else if (chance < 0.97) {
    const status = random.pick(['draft', 'published', 'archived'])
    await client.query(`update public.articles set status = '${status}' where id in (${any})`, [salt])
  } else {
    await client.query(`delete from public.articles where id in (${any})`, [salt])
  }
}
