import { sql } from 'kysely'
import { UsageError } from '../errors.ts'
import { sqlStateOf } from '../failures/sql-state.ts'
import type { Scanned } from './incremental-scan.ts'
import { type PullCursor, type PullRun, writeAnyRows } from './pull-run.ts'
import type { PullPayload } from './pull-settings.ts'
import { countRows } from './remote/ask-table.ts'
import { readPages } from './remote/read-pages.ts'
import { allOf, below, from } from './remote/scan.ts'

/**
 * Reads the rows between two cursors again; the checkpoint doesn't move.
 *
 * @param bounds the first is inclusive, the second exclusive
 * @throws UsageError if one of them isn't a value of the cursor's type, or nothing can be between them
 */
export async function backfill(
  run: PullRun,
  cursor: PullCursor,
  bounds: NonNullable<PullPayload['backfill']>,
): Promise<Scanned> {
  const { context, remote, counts } = run
  const { order } = cursor
  await requireBounds(run, cursor, bounds)
  const where = allOf(
    bounds.from === undefined ? undefined : from(order, bounds.from),
    bounds.to === undefined ? undefined : below(order, bounds.to),
  )
  const total = await countRows(remote, where, context.signal)
  for await (const page of readPages(remote, { document: remote.rows, order, where }, context.signal)) {
    await writeAnyRows(run, page.rows)
    context.progress({ done: counts.read, ...(total !== undefined && { total }) })
    context.signal.throwIfAborted()
  }
  return { from: bounds.from, to: bounds.to }
}

async function requireBounds(
  { context }: PullRun,
  { column, type, kind }: PullCursor,
  bounds: NonNullable<PullPayload['backfill']>,
): Promise<void> {
  // Only the API knows the order of its values.
  if (kind === 'order') return
  const value = (bound: string | undefined) => sql`(${bound ?? null}::text)::${sql.raw(type)}`
  const compare = sql<{ nothing: boolean | null }>`
    select first >= last as nothing, first, last from (values (${value(bounds.from)}, ${value(bounds.to)})) as bounds (first, last)`
  const { rows } = await context
    .transaction(tx => compare.execute(tx))
    .catch((error: unknown) => {
      if (!sqlStateOf(error)?.startsWith('22')) throw error
      throw new UsageError({
        found: `"from" or "to" of the backfill can't be read as ${type}, which the cursor "${column}" is`,
        remedy: 'write both as the API does',
      })
    })
  if (!rows[0]?.nothing) return
  throw new UsageError({
    found: `The backfill starts at ${bounds.from} and ends before ${bounds.to}, so it would read nothing`,
    remedy: 'give a "from" that is less than "to"',
  })
}
