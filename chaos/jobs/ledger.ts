import { defineJob, type JobDefinition } from 'hasura-sync-worker'
import { sql } from 'kysely'
import { z } from 'zod'

/** A text that identifies the request, and how long its run takes. */
const ledgerPayload = z.strictObject({
  entry: z.string().default(''),
  /** The pauses before and after its commit. */
  pauseMs: z.number().default(0),
  restMs: z.number().default(0),
})

/**
 * Reads its line's counter before the transaction and increments it inside: if two overlapping runs both commit, one increment is
 * lost. It also records which run held the lease at its start and at its commit.
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
