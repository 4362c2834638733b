import { defineJob, followChanges } from 'hasura-sync-worker'
import { sql } from 'kysely'
import { z } from 'zod'
import { pullArticles } from './pull-articles.ts'

/** Records each change in the transaction that moves its position. */
export const followArticles = defineJob({
  name: 'follow-articles',
  payload: z.strictObject({}),
  schedule: { everySeconds: 4 },
  async run(_session, context) {
    const reader = { reader: 'chaos', table: pullArticles.mirror, limit: 100 }
    const read = await followChanges(context, reader, async changes => async tx => {
      const rows = changes.map(({ position, op, account, key }) => ({ position, op, account, id: key.id }))
      await sql`insert into chaos.followed (position, op, account, id)
        select position, op, account, id from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
          as r(position bigint, op text, account text, id uuid)`.execute(tx)
    })
    return { counts: { read } }
  },
})
