import { execFile } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { findPostgresTool } from './start-postgres.ts'

const execute = promisify(execFile)

export interface DatabaseDump extends AsyncDisposable {
  /** @param options of `pg_restore` */
  restoreInto(url: string, ...options: readonly string[]): Promise<void>
}

/** What a database is now, kept in a file as `pg_dump` writes it. */
export async function dumpDatabase(url: string): Promise<DatabaseDump> {
  const file = join(tmpdir(), `database-dump-${crypto.randomUUID()}`)
  await execute(findPostgresTool('pg_dump'), ['--format=custom', `--file=${file}`, url])
  return {
    async restoreInto(target, ...options) {
      await execute(findPostgresTool('pg_restore'), ['--exit-on-error', ...options, `--dbname=${target}`, file])
    },
    [Symbol.asyncDispose]: () => rm(file, { force: true }),
  }
}
