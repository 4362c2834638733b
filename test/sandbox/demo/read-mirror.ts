import { sql } from 'kysely'
import { createLog } from '../../../src/log.ts'
import { openDatabase } from '../../../src/store/open-database.ts'

export interface MirroredRows {
  readonly counts: { readonly users: number; readonly topics: number; readonly articles: number }
  readonly articles: readonly {
    readonly title: string
    readonly revision: string
    readonly rating: string | null
    readonly updated_at: string
  }[]
}

/** Reads the mirror from the worker's embedded database. It has one owner, so the worker must have stopped. */
export async function readMirror(dataDir: string): Promise<MirroredRows> {
  await using database = await openDatabase({ dataDir }, createLog('silent'))
  const { rows: counted } = await sql<MirroredRows['counts']>`
    select (select count(*)::int from mirror.users) as users, (select count(*)::int from mirror.topics) as topics,
      (select count(*)::int from mirror.articles) as articles`.execute(database.store)
  const { rows: articles } = await sql<MirroredRows['articles'][number]>`
    select title, revision::text, rating::text, to_char(updated_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') as updated_at
    from mirror.articles where title not like 'Archive %' order by mirror.articles.updated_at desc, id limit 6`.execute(
    database.store,
  )
  return { counts: counted[0] ?? { users: 0, topics: 0, articles: 0 }, articles }
}
