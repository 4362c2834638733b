import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Database } from './database.ts'

/** Applies every `*.up.sql` in the order of its time stamp. The database must be empty: nothing records what was applied. */
export async function applyMigrations(db: Database, directory: string): Promise<void> {
  for (const name of globSync('*.up.sql', { cwd: directory }).sort()) {
    await db.query(readFileSync(join(directory, name), 'utf8'))
  }
}
