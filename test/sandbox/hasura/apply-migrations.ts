import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Database } from './database.ts'

/** Applies every `up.sql` in order. The database must be empty: there is no record of what was applied. */
export async function applyMigrations(db: Database, directory: string): Promise<void> {
  for (const name of readdirSync(directory).sort()) {
    await db.query(readFileSync(join(directory, name, 'up.sql'), 'utf8'))
  }
}
