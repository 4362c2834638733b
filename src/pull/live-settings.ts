import type { Told } from '../explanation.ts'

/**
 * The limits of a live pull.
 *
 * @example
 * import type { LiveOptions } from 'hasura-sync-worker'
 *
 * export const calm: LiveOptions = { intervalMs: 5_000, countUpTo: 0 }
 */
export interface LiveOptions {
  /** Milliseconds between two scans that were rung for, at least; default 500. */
  readonly intervalMs?: number
  /**
   * Rows up to which the API counts the table each second, so that deletions ring as well; default 100,000, and 0 for never. In
   * a larger table the sweep finds them.
   */
  readonly countUpTo?: number
}

/** The same with their defaults. */
export type LiveSettings = Required<LiveOptions>

export function liveSettingsOf(live: boolean | LiveOptions | undefined): LiveSettings | undefined {
  if (live === undefined || live === false) return undefined
  return { intervalMs: 500, countUpTo: 100_000, ...(live === true ? {} : live) }
}

/** What of the options can't be kept, in words. */
export function findLiveProblems(live: LiveSettings | undefined, cursor: string | undefined): readonly Told[] {
  if (!live) return []
  return [
    ...(cursor === undefined
      ? [{ found: 'it is live and has no cursor', remedy: 'give it one, or leave "live" out' }]
      : []),
    ...(live.intervalMs >= 100 && Number.isFinite(live.intervalMs)
      ? []
      : [`"live.intervalMs" is ${live.intervalMs}, and needs to be a number from 100 on`]),
    ...(live.countUpTo >= 0 ? [] : [`"live.countUpTo" is ${live.countUpTo}, and needs to be a number from 0 on`]),
  ]
}
