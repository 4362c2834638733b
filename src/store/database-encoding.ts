import type { Explanation } from '../explanation.ts'

/**
 * Why a database's encoding is unsuitable; undefined for UTF8. Any other encoding refuses some text from an API, with an error at
 * the first such row.
 *
 * @param encoding as `server_encoding` shows it
 */
export function findEncodingProblem(encoding: string, database: string): Explanation | undefined {
  if (encoding === 'UTF8') return undefined
  return {
    found: `Database "${database}" has the encoding ${encoding}, which can't store all text that an API sends`,
    remedy: `create one with create database … encoding 'UTF8' template template0 and name it in DATABASE_URL`,
  }
}
