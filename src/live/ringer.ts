import type { Ring } from '../definitions/doorbell.ts'
import type { Log } from '../log.ts'
import { type LineName, lineKey } from '../runs/line.ts'
import type { Clock } from '../time/clock.ts'
import { repeat } from '../time/repeat.ts'

/** Makes requests of rings: those of one line and kind become one, and follow each other with a pause. */
export interface Ringer extends AsyncDisposable {
  ring(line: LineName, rings: readonly Ring[], intervalMs: number): void
}

/** One kind of a line's rings. */
interface Lane extends LineName {
  payload: unknown
  /** When to make its request; undefined if nothing rang. */
  dueAt: number | undefined
  /** When the next one may be made at the earliest. */
  notBefore: number
}

/** Milliseconds until a request that couldn't be made is made again. */
const againMs = 1_000
const idleMs = 60_000

/** @param deps.request commits the request; it rejects where the store can't be reached */
export function startRinger(deps: {
  readonly clock: Clock
  readonly log: Log
  readonly request: (line: LineName, payload: unknown) => Promise<unknown>
}): Ringer {
  const { clock, log, request } = deps
  const lanes = new Map<string, Lane>()
  const laneKey = (line: LineName, kind: string) => `${lineKey(line)} ${kind}`

  async function make(lane: Lane): Promise<void> {
    const { account, job } = lane
    lane.dueAt = undefined
    try {
      await request({ account, job }, lane.payload)
    } catch (error) {
      log.debug({ error, account, job }, 'a request that a subscription asks for could not be made, and is made again')
      lane.dueAt ??= clock.elapsed() + againMs
    }
  }

  const turns = repeat(clock, async () => {
    const now = clock.elapsed()
    await Promise.all([...lanes.values()].filter(({ dueAt }) => dueAt !== undefined && dueAt <= now).map(make))
    const next = Math.min(...[...lanes.values()].flatMap(({ dueAt }) => dueAt ?? []))
    return Math.min(Math.max(1, next - clock.elapsed()), idleMs)
  })

  return {
    ring(line, rings, intervalMs) {
      const now = clock.elapsed()
      for (const { kind, payload, waitMs = 0, pauseMs = intervalMs, replaces = [] } of rings) {
        for (const other of replaces) {
          const needless = lanes.get(laneKey(line, other))
          if (needless) needless.dueAt = undefined
        }
        const key = laneKey(line, kind)
        const lane = lanes.get(key) ?? { ...line, payload, dueAt: undefined, notBefore: now }
        lanes.set(key, lane)
        const dueAt = Math.max(now + waitMs, lane.notBefore)
        lane.dueAt = Math.min(lane.dueAt ?? dueAt, dueAt)
        lane.notBefore = Math.max(lane.notBefore, lane.dueAt + pauseMs)
      }
      if (rings.length > 0) turns.ring()
    },
    [Symbol.asyncDispose]: () => turns[Symbol.asyncDispose](),
  }
}
