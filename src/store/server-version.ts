import type { Explanation } from '../explanation.ts'
import type { Asked } from './missing-privileges.ts'

/**
 * Since this version there is every function that ours call. Postgres looks them up when they are called, so an older one would accept
 * the migrations, and then refuse each claim.
 */
const oldest = 13

/** Whether a server is too old, or only speaks the protocol of Postgres: others lack advisory locks or system columns (`xmin`). */
export async function findVersionProblem(client: Asked): Promise<Explanation | undefined> {
  const { rows } = await client.query<{ version: string }>('select version()', [])
  const version = rows[0]?.version ?? ''
  const [, major, rest = ''] = /^PostgreSQL (\d+)(\S*)/.exec(version) ?? []
  // YugabyteDB calls itself "PostgreSQL 15.2-YB-2.25.0.0-b0".
  if (Number(major) >= oldest && !rest.includes('-YB-')) return undefined
  return {
    found: `DATABASE_URL leads to ${version.replace(/ (?:on|\().*$/s, '')}, which lacks what the worker needs`,
    remedy: `use PostgreSQL ${oldest} or later`,
  }
}
