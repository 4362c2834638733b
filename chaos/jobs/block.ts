import { defineJob } from 'hasura-sync-worker'
import { sql } from 'kysely'
import { z } from 'zod'

/** Blocks its process's event loop once per request: the next run of the request finds the record of the first. */
export const block = defineJob({
  name: 'block',
  payload: z.strictObject({ ms: z.number() }),
  async run(_session, context) {
    const { store, requestId, payload } = context
    const before = await store
      .selectFrom(sql<{ request_id: string }>`chaos.blocks`.as('b'))
      .select('b.request_id')
      .where('b.request_id', '=', requestId)
      .executeTakeFirst()
    if (before) return {}
    await context.transaction(async tx => {
      await sql`insert into chaos.blocks (request_id, pid, ms) values (${requestId}, ${process.pid}, ${payload.ms})`.execute(
        tx,
      )
    })
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, payload.ms)
    return {}
  },
})
