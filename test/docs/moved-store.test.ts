import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { openDatabase } from '../../src/store/open-database.ts'
import { captureLog } from '../fixtures/captured-log.ts'
import { createDatabase, hasPostgres } from '../services/postgres.ts'
import { runScript } from '../store/plain-store.ts'
import { findCodeBlocks, findSection, readDocument } from './markdown.ts'

test.runIf(hasPostgres)(
  'a store that came by logical replication numbers its rows on after what operations.md says',
  async () => {
    const section = findSection(readDocument('docs/operations.md'), 'Retention and backups')
    const [script] = findCodeBlocks(section).flatMap(({ language, code }) => (language === 'sql' ? code : []))
    await using moved = await createDatabase()
    await using database = await openDatabase({ databaseUrl: moved.url }, captureLog().log)
    const act = async (viewer: string) => {
      const { rows } = await sql<{ id: string }>`
      insert into worker.audit (viewer, action, wanted) values (${viewer}, 'cancel', '{}') returning id`.execute(
        database.store,
      )
      return rows[0]?.id
    }
    // As its subscription writes it.
    await sql`insert into worker.audit (id, viewer, action, wanted) overriding system value
    values (1, 'a', 'cancel', '{}'), (7, 'b', 'cancel', '{}')`.execute(database.store)
    await expect(act('c')).rejects.toMatchObject({ code: '23505' })
    await runScript(moved.url, script ?? expect.fail())
    expect([await act('d'), await act('e')]).toEqual(['8', '9'])
    const { rows } = await sql`select nextval(pg_get_serial_sequence('worker.runs', 'seq'))`.execute(database.store)
    expect(rows).toEqual([{ nextval: '1' }])
  },
)
