import { defineJob, type JobDefinition } from 'hasura-sync-worker'
import { sql } from 'kysely'
import { z } from 'zod'

/** What callers ask for: a number that tells requests apart, and how long a run takes. */
const ledgerPayload = z.strictObject({
  entry: z.string().default(''),
  /** Before its commit, and after it. */
  pauseMs: z.number().default(0),
  restMs: z.number().default(0),
})

/**
 * Reads its line's counter outside of the transaction and writes it, one more, inside: two runs that both commit lose an entry
 * unless one follows the other. Beside the entry it writes down which run held the lease when it began and when it committed.
 */
export function ledger(name: string, more: Partial<Pick<JobDefinition, 'schedule'>> = {}): JobDefinition {
  return defineJob({
    name,
    payload: ledgerPayload,
    ...more,
    async run(session, context) {
      const { payload, requestId, store, signal, clock } = context
      const account = session.account.name
      const begun = await store
        .selectFrom('worker.leases')
        .select(['run_id', sql<string>`now()::text`.as('now')])
        .where('account', '=', account)
        .where('job', '=', name)
        .executeTakeFirstOrThrow()
      const counter = await store
        .selectFrom(sql<{ account: string; job: string; value: string }>`chaos.counters`.as('c'))
        .select('c.value')
        .where('c.account', '=', account)
        .where('c.job', '=', name)
        .executeTakeFirst()
      const before = Number(counter?.value ?? 0)
      if (payload.pauseMs > 0) await clock.sleep(payload.pauseMs, signal)
      await context.transaction(async tx => {
        await sql`insert into chaos.commits (account, job, request_id, payload, run_begun, run_held, begun_at)
          select ${account}, ${name}, ${requestId}, ${JSON.stringify(payload)}::jsonb, ${begun.run_id}::uuid, l.run_id, ${begun.now}::timestamptz
          from worker.leases l where l.account = ${account} and l.job = ${name}`.execute(tx)
        await sql`insert into chaos.counters (account, job, value) values (${account}, ${name}, ${before + 1})
          on conflict (account, job) do update set value = excluded.value`.execute(tx)
      })
      if (payload.restMs > 0) await clock.sleep(payload.restMs, signal)
      return {}
    },
  })
}
