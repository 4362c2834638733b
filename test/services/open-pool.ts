import pg from 'pg'

/** Connections of a test's own. `end` doesn't wait until the server has closed them, which may then end them with an error. */
export function openPool(connectionString: string, max: number): pg.Pool {
  const pool = new pg.Pool({ connectionString, max })
  pool.on('error', () => {})
  return pool
}
