import { execFile } from 'node:child_process'
import { chown, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Client } from 'pg'
import type { ServiceHandle } from './local-service.ts'
import { findPostgresTool } from './start-postgres.ts'
import { unprivilegedUser } from './unprivileged-user.ts'

const execute = promisify(execFile)

/** Less than 2³¹ after the oldest one, and so near that Postgres gives no more. */
const lastId = 2_147_000_000
/** Of pg_xact, which has two bits for each transaction. */
const fileBytes = 262_144
const idsPerFile = fileBytes * 4

/** Restarts a server as one whose databases haven't been vacuumed for two thousand million transactions. */
export async function useUpTransactionIds(server: ServiceHandle): Promise<void> {
  const data = await findDataDirectory(server.url)
  await server.stop()
  const user = unprivilegedUser()
  await execute(findPostgresTool('pg_resetwal'), ['-x', String(lastId), '-D', data], { cwd: data, ...user })
  const name = Math.floor(lastId / idsPerFile).toString(16)
  const file = join(data, 'pg_xact', name.toUpperCase().padStart(4, '0'))
  await writeFile(file, new Uint8Array(fileBytes))
  if (user) await chown(file, user.uid, user.gid)
  await server.start()
}

async function findDataDirectory(connectionString: string): Promise<string> {
  const client = new Client({ connectionString })
  await client.connect()
  try {
    const { rows } = await client.query<{ data: string }>(`select current_setting('data_directory') as data`)
    return rows[0]?.data ?? ''
  } finally {
    await client.end()
  }
}
