import { z } from 'zod'
import { PermanentError } from '../../errors.ts'
import { parseKeepingDigits, textsOf } from '../../hasura/exact-numbers.ts'
import type { Position } from '../../store/schema.ts'
import type { MirrorTable } from './mirror-table.ts'
import type { PageRows } from './page-rows.ts'

/** Gives the row as it is to be mirrored, or undefined for one that isn't. */
export type RowTransform = (row: unknown) => unknown

/**
 * Runs a job's own function over the rows of a page. Numbers that JavaScript can't hold are given to it as text; those that it
 * leaves alone inside of JSON are written digit by digit.
 *
 * @param fixed the columns of key and cursor
 * @throws PermanentError (`transform`) when a row has lost or changed one of these
 */
export function transformPage(
  { text }: PageRows,
  { columns, key }: Pick<MirrorTable, 'columns' | 'key'>,
  fixed: readonly string[],
  transform: RowTransform,
): PageRows {
  const asText = new Set(columns.filter(({ type }) => type !== 'jsonb').map(({ name }) => name))
  const leftOut: Position[] = []
  const results = z
    .array(record)
    .parse(parseKeepingDigits(text))
    .flatMap(source => {
      const row = withNumbersAsText(source, asText)
      const before = fixed.map(name => row[name])
      const position = textsOf(source, key)
      const result = transform(row)
      if (result === undefined) {
        leftOut.push(position)
        return []
      }
      const after = record.safeParse(result)
      const changed = fixed.find((name, at) => !after.success || after.data[name] !== before[at])
      if (changed === undefined) return [result]
      throw new PermanentError(
        'transform',
        `The transform changed "${changed}", by which a row is found again: leave the columns of key and cursor (${fixed.join(', ')}) as they are`,
      )
    })
  return { text: JSON.stringify(results), count: results.length, leftOut }
}

const record = z.record(z.string(), z.unknown())

function withNumbersAsText(row: Record<string, unknown>, asText: ReadonlySet<string>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name,
      asText.has(name) && JSON.isRawJSON(value) ? value.rawJSON : value,
    ]),
  )
}
