import type { Explanation } from '../errors.ts'

/**
 * What is wrong with a database's encoding; undefined for UTF8. Any other one refuses texts that an API may send, with an error
 * that comes with the first such row.
 *
 * @param encoding as `server_encoding` gives it
 */
export function findEncodingProblem(encoding: string, database: string): Explanation | undefined {
  if (encoding === 'UTF8') return undefined
  return {
    found: `Database "${database}" has the encoding ${encoding}, which can't hold every text that an API sends`,
    remedy: `make one with create database … encoding 'UTF8' template template0 and name it in DATABASE_URL`,
  }
}
