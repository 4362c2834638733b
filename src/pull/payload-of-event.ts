import type { EventRow, TableEvent } from '../definitions/table-events.ts'
import { fieldNamesOf } from '../hasura/find-list.ts'
import { inSnakeCase } from '../names/in-snake-case.ts'
import { ownValue } from '../names/own-value.ts'
import type { PullPayload, PullSettings } from './pull-settings.ts'

/**
 * What a pull reads for an event. A scan finds a new or changed row by its cursor, and its requests absorb each other. What no
 * scan finds is read by its key: a row that is gone or has another key, a changed one that the pull's filter may exclude now, one
 * that somebody sent by hand, which may not have changed, and any row of a table without a cursor. If many requests wait already,
 * one read of everything replaces a request per key. Rows change too often for that: then a scan does, and what the filter excludes
 * waits for the sweep.
 */
export function payloadOfEvent(
  { document, key, cursor, fixedWhere }: Pick<PullSettings, 'document' | 'key' | 'cursor' | 'fixedWhere'>,
  event: TableEvent,
  isCrowded: boolean,
): PullPayload {
  const fields = fieldNamesOf(document, key)
  const before = event.old && keyOf(event.old, fields)
  const after = event.new && keyOf(event.new, fields)
  const isRekeyed = before !== undefined && after !== undefined && !isEqual(before, after)
  const isFiltered = fixedWhere === undefined || Object.keys(fixedWhere).length > 0
  const mayBeExcluded = isFiltered && before !== undefined && after !== undefined && !isCrowded
  const isByHand = event.operation === 'MANUAL'
  if (cursor !== undefined && event.new && !isRekeyed && !mayBeExcluded && !isByHand) return {}
  const isWhole = (!event.old || before) && (!event.new || after)
  const keys = isRekeyed ? [before, after] : [after ?? before].filter(found => found !== undefined)
  if (isWhole && keys.length > 0 && !isCrowded) return { keys }
  return cursor === undefined ? {} : { sweep: true }
}

/**
 * As the API would write it; undefined if the event lacks a part of it, for example because a column has another name in the API.
 */
function keyOf(row: EventRow, fields: readonly string[]): string[] | undefined {
  const values = fields.map(field => textOf(ownValue(row, field) ?? ownValue(row, inSnakeCase(field))))
  return values.every(value => value !== undefined) ? values : undefined
}

function textOf(value: unknown): string | undefined {
  if (JSON.isRawJSON(value)) return value.rawJSON
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? String(value)
    : undefined
}

function isEqual(a: readonly string[], b: readonly string[]): boolean {
  return a.every((value, at) => value === b[at])
}
