import { createHash } from 'node:crypto'
import { Cron } from 'croner'
import type { ScheduleRule } from '../account.ts'
import { describeSeconds } from './duration.ts'

/** The rule as text, to see whether a stored one has changed. */
export function describeRule(rule: ScheduleRule): string {
  return 'cron' in rule ? `${rule.cron} ${rule.zone ?? 'UTC'}` : `every ${rule.everySeconds} s`
}

/** The rule for a person. */
export function sayRule(rule: ScheduleRule): string {
  const often =
    'cron' in rule ? `cron "${rule.cron}" in ${rule.zone ?? 'UTC'}` : `every ${sayInterval(rule.everySeconds)}`
  return rule.missed === 'skip' ? `${often}, skips missed ticks` : often
}

/** To the second: two units aren't enough for every interval. */
function sayInterval(seconds: number): string {
  if (!Number.isInteger(seconds)) return `${seconds} s`
  const said = describeSeconds(seconds)
  return seconds < 3_600 || (seconds % 60 === 0 && seconds < 86_400) || seconds % 3_600 === 0 ? said : `${seconds} s`
}

/** What is wrong with a rule, in words; undefined when it can be kept. */
export function findRuleProblem(rule: ScheduleRule): string | undefined {
  if ('everySeconds' in rule) {
    return rule.everySeconds >= 1 && Number.isFinite(rule.everySeconds)
      ? undefined
      : `everySeconds is ${rule.everySeconds}, and must be 1 or more`
  }
  // An empty expression or a lone star would be taken for "every minute" by some parsers.
  const fields = rule.cron.trim().split(/\s+/).length
  // With a field for the year a rule would come to its end one day, in the middle of the night.
  if (fields < 5 || fields > 6) return `cron "${rule.cron}" has ${fields} fields, and needs five, or six with seconds`
  try {
    return new Cron(rule.cron, { timezone: rule.zone ?? 'UTC' }).nextRun()
      ? undefined
      : `cron "${rule.cron}" never comes`
  } catch (error) {
    return `cron "${rule.cron}" in zone ${rule.zone ?? 'UTC'} is not valid: ${error instanceof Error ? error.message : error}`
  }
}

/** The first instant after `now` at which the rule is due; ticks that were missed meanwhile aren't made up for. */
export function nextDue(rule: ScheduleRule, due: Date, now: Date): Date {
  if ('cron' in rule) {
    const next = new Cron(rule.cron, { timezone: rule.zone ?? 'UTC' }).nextRun(now)
    if (!next) throw new RangeError(`cron "${rule.cron}" never comes`)
    return next
  }
  const everyMs = rule.everySeconds * 1000
  const missed = Math.max(0, Math.floor((now.getTime() - due.getTime()) / everyMs))
  return new Date(due.getTime() + (missed + 1) * everyMs)
}

/** A new rule starts at once when it is an interval, and at its next time when it is a cron expression. */
export function firstDue(rule: ScheduleRule, now: Date): Date {
  return 'cron' in rule ? nextDue(rule, now, now) : now
}

/** What becomes of a schedule that is due. */
export interface TickPlan {
  readonly nextAt: Date
  /** Instants that have passed for good. */
  readonly missed: number
  readonly isMade: boolean
}

/** A tick that is made so long after it was due has been missed, for a rule that skips those. */
const lateMs = 60_000
/** No more instants of a cron expression are counted: finding each takes a tenth of a millisecond. */
const mostCounted = 100

export function planTick(rule: ScheduleRule, { dueAt, now }: { dueAt: Date; now: Date }): TickPlan {
  const isMade = rule.missed !== 'skip' || now.getTime() - dueAt.getTime() <= lateMs
  const between = countBetween(rule, dueAt, now)
  return { nextAt: nextDue(rule, dueAt, now), missed: isMade ? between : between + 1, isMade }
}

/** How many instants of the rule lie after `dueAt` and not after `now`; of a cron expression 100 at most. */
function countBetween(rule: ScheduleRule, dueAt: Date, now: Date): number {
  if ('everySeconds' in rule) {
    const count = Math.max(0, Math.floor((now.getTime() - dueAt.getTime()) / (rule.everySeconds * 1000)))
    return Math.min(count, mostMissed)
  }
  const cron = new Cron(rule.cron, { timezone: rule.zone ?? 'UTC' })
  let count = 0
  for (let at = cron.nextRun(dueAt); at && at <= now && count < mostCounted; at = cron.nextRun(at)) count += 1
  return count
}

/** What the store's counter of one tick can hold. */
const mostMissed = 1_000_000

/**
 * How long the first interval of all is made longer, in milliseconds, up to a minute: a thousand accounts that began in one
 * second would come in one second ever after.
 *
 * @param name of the line, from which the place of an interval among others of the same length follows
 */
export function spreadOf(rule: ScheduleRule, name: string): number {
  if ('cron' in rule) return 0
  return createHash('sha256').update(name).digest().readUInt32BE() % Math.min(rule.everySeconds * 1000, 60_000)
}
