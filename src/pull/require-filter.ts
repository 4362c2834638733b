import { z } from 'zod'
import { PermanentError } from '../errors.ts'
import { writeJson } from '../hasura/write-json.ts'
import { parseKeepingDigits } from '../json/exact-numbers.ts'
import type { Where } from './remote/scan.ts'

/** Whose filter it is, for messages. */
export interface FilterOwner {
  readonly job: string
  readonly account: string
}

export const record = z.record(z.string(), z.unknown())

/**
 * A filter as it is sent, such as with texts for instants. What JSON omits, or writes as `{}`, would be true for every row, and a
 * new account would get the rows of all others.
 *
 * @throws PermanentError (`where`)
 */
export function requireFilter(given: unknown, { job, account }: FilterOwner): Where {
  if (!record.safeParse(given).success) {
    const what = (given ?? undefined) === undefined ? 'nothing' : Object.prototype.toString.call(given)
    throw new PermanentError('where', {
      found: `The "where" of ${job} gave ${what} for account "${account}" instead of a filter`,
      remedy: "return an object of conditions, or {} for all rows; a Promise isn't awaited",
    })
  }
  const written = writeJson(given, ({ path, value }) => {
    // `spellWhere` knows which of them are conditions.
    if (value === null) return
    const at = path.join('.')
    if (typeof value === 'number') {
      throw new PermanentError('where', {
        found: `The "where" of ${job} has the number ${value} at "${at}" for account "${account}", which JSON can't write`,
        remedy: `write it as text, "${value}"`,
      })
    }
    throw new PermanentError('where', {
      found: `The "where" of ${job} has no value at "${at}" for account "${account}", and would match every row`,
      remedy: 'give it one; a Promise, a Map or a function is none',
    })
  })
  return record.parse(parseKeepingDigits(written))
}
