import { type RawBuilder, sql } from 'kysely'
import { isOwn } from '../../operations/bound-caller.ts'
import type { Reading } from '../../operations/operation.ts'

/** Whether a row's account is one of the viewer's. */
export function own(reading: Reading, column = 'account'): RawBuilder<boolean> {
  return isOwn(sql.ref(column), reading)
}

/** @throws TypeError if the statement returned no row, which an aggregate always does */
export function onlyRow<T>(rows: readonly T[]): T {
  const [row] = rows
  if (row === undefined) throw new TypeError('an aggregate gave no row')
  return row
}
