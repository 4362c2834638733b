import { z } from 'zod'
import type { DoorbellSubscription, Heard, Listener, Ring } from '../definitions/doorbell.ts'
import { deriveSubscription } from '../hasura/derive-documents.ts'
import { valueAt } from '../hasura/rows.ts'
import type { LiveSettings } from './live-settings.ts'
import type { PullCursor } from './pull-run.ts'
import type { PullPayload } from './pull-settings.ts'
import type { PullShape } from './pull-shape.ts'
import { greatestFirst, type Where } from './remote/scan.ts'

/** The API asks for cursor and count separately, each once a second: how long a count that rose waits for the cursor. */
const cursorFollowsMs = 1_500
/** Sweeps that were rung for take at most a tenth of the time: they read some 100,000 keys a second. */
const sweepPauseMs = { least: 10_000, perRow: 0.1 }

/** The documents of the subscriptions: what is asked for again and again, with one root field each, as Hasura wants it. */
export function listLiveDocuments({ derived }: Pick<PullShape, 'derived'>, { countUpTo }: LiveSettings) {
  return {
    cursor: deriveSubscription(derived.keys),
    ...(derived.count && countUpTo > 0 && { count: deriveSubscription(derived.count.document) }),
  }
}

/**
 * Listens to the greatest cursor of all rows that a pull reads, and to their count where the role may aggregate.
 *
 * @param options.sweeps whether deletions may ask for a sweep
 */
export function createPullListener(
  shape: Pick<PullShape, 'derived' | 'place'>,
  cursor: PullCursor,
  where: Where,
  options: { readonly live: LiveSettings; readonly sweeps: boolean },
): Listener {
  const { order, column } = cursor
  const { live, sweeps } = options
  const documents = listLiveDocuments(shape, live)
  let greatest: string | undefined
  let count: number | undefined
  let cursorMovedAt = Number.NEGATIVE_INFINITY

  function hearCursor(data: unknown, now: number): Heard {
    const rows = z.array(z.record(z.string(), z.unknown())).parse(valueAt(data, shape.place))
    const told = textOf(rows[0]?.[column])
    const before = greatest
    const isLess = before && (told === '' || (order.comparisons?.get(column)?.(told, before) ?? 0) < 0)
    greatest = told
    if (before === undefined || told === before) return { rings: [] }
    cursorMovedAt = now
    return { rings: isLess ? sweepRings() : [rung] }
  }

  function hearCount(data: unknown, now: number): Heard {
    const { place } = shape.derived.count ?? { place: '' }
    const told = countOf(countAnswer.parse(valueAt(data, place)).aggregate.count)
    const before = count
    count = told
    if (told > live.countUpTo) {
      count = undefined
      return { rings: [], ends: true }
    }
    if (before === undefined || told === before) return { rings: [] }
    if (told < before) return { rings: sweepRings() }
    return { rings: now - cursorMovedAt < cursorFollowsMs ? [] : [{ ...scan, waitMs: cursorFollowsMs }] }
  }

  function sweepRings(): readonly Ring[] {
    if (!sweeps) return [rung]
    return [{ ...sweep, pauseMs: Math.max(sweepPauseMs.least, (count ?? 0) * sweepPauseMs.perRow) }]
  }

  const variables = { where, order_by: greatestFirst(order, 'first'), limit: 1 }
  const subscriptions: readonly DoorbellSubscription[] = [
    { name: 'cursor', document: documents.cursor, variables },
    ...(documents.count ? [{ name: 'count', document: documents.count, variables: { where } }] : []),
  ]
  return {
    subscriptions,
    hear: (name, data, now) => (name === 'count' ? hearCount(data, now) : hearCursor(data, now)),
    missed: () => [missed],
  }
}

const payloads = {
  rung: { rung: true },
  scan: {},
  sweep: { sweep: true },
} as const satisfies Readonly<Record<string, PullPayload>>

/** Reads what has a greater cursor. */
const rung: Ring = { kind: 'rung', payload: payloads.rung, replaces: ['scan'] }
/** Reads the lookback as well, where a row is that the greatest cursor doesn't tell of. */
const scan: Ring = { kind: 'scan', payload: payloads.scan }
/** The same, which no other ring makes needless. */
const missed: Ring = { kind: 'missed', payload: payloads.scan }
/** A sweep scans first. */
const sweep: Ring = { kind: 'sweep', payload: payloads.sweep, replaces: ['scan'] }

const countAnswer = z.object({ aggregate: z.object({ count: z.unknown() }) })

/** Also of a proxy or a version that writes numbers as text. @throws TypeError where it isn't a count */
function countOf(value: unknown): number {
  const text = textOf(value)
  if (!/^\d+$/.test(text)) throw new TypeError('a count is a whole number')
  return Number(text)
}

/** With all digits; '' for none. */
function textOf(value: unknown): string {
  if (value === undefined || value === null) return ''
  return typeof value === 'string' ? value : JSON.stringify(value)
}
