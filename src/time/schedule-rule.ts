import { hash } from 'node:crypto'
import { Cron } from 'croner'
import { z } from 'zod'
import type { ScheduleRule } from '../account.ts'
import { messageOf } from '../errors.ts'
import { describeSeconds } from './duration.ts'

/** The rule as text, used to detect changes to a stored rule. */
export function describeRule(rule: ScheduleRule): string {
  return isCron(rule) ? `${rule.cron} ${rule.zone ?? 'UTC'}` : `every ${rule.everySeconds} s`
}

/** The rule as shown to people. */
export function sayRule(rule: ScheduleRule): string {
  const often = isCron(rule)
    ? `cron "${rule.cron}" in ${rule.zone ?? 'UTC'}`
    : `every ${sayInterval(rule.everySeconds)}`
  return rule.missed === 'skip' ? `${often}, skips missed ticks` : often
}

/** Exact to the second, because two units aren't enough for every interval. */
function sayInterval(seconds: number): string {
  if (!Number.isInteger(seconds)) return `${seconds} s`
  const said = describeSeconds(seconds)
  return seconds < 3_600 || (seconds % 60 === 0 && seconds < 86_400) || seconds % 3_600 === 0 ? said : `${seconds} s`
}

/** Times that are much further away fit neither the dates of JavaScript nor the intervals of Postgres. */
const longestSeconds = 1_000 * 365 * 86_400

const number = z.custom<number>(value => typeof value === 'number')
const missed = z.enum(['run-once', 'skip']).optional()
const zone = z.string().optional()
const absent = z.undefined().optional()
/** An interval may have a zone, because TypeScript allows it; it has no effect. */
const ruleShape = z.union([
  z.strictObject({ everySeconds: number, cron: absent, zone, missed }),
  z.strictObject({ cron: z.string(), everySeconds: absent, zone, missed }),
])
const names: ReadonlySet<string> = new Set(ruleShape.options.flatMap(({ shape }) => Object.keys(shape)))

type CronRule = Extract<ScheduleRule, { cron: string }>

/** A key may be there without a value. */
export function isCron(rule: ScheduleRule): rule is CronRule {
  return 'cron' in rule && rule.cron !== undefined
}

/**
 * What is wrong with a rule; undefined if it is valid. Node doesn't check types, and a name such as `timezone` instead of `zone` would
 * have no effect.
 */
export function findRuleProblem(given: unknown): string | undefined {
  const { data: rule } = ruleShape.safeParse(given)
  if (!rule) {
    const unknown = Object.keys(Object(given)).find(name => typeof given === 'object' && !names.has(name))
    const found = unknown === undefined ? 'schedule' : `schedule has "${unknown}", which has no effect: it`
    return `${found} must be { everySeconds: 300 } or { cron: '0 6 * * 1-5', zone: 'Europe/Zurich' }, with no more than missed: 'skip'`
  }
  if (rule.everySeconds !== undefined) {
    return rule.everySeconds >= 1 && rule.everySeconds <= longestSeconds
      ? undefined
      : `everySeconds is ${rule.everySeconds}, but must be from 1 to ${longestSeconds} (1,000 years)`
  }
  // Some parsers read an empty expression or a single star as "every minute".
  const fields = rule.cron.trim().split(/\s+/)
  // A rule with a year would end some day, unnoticed.
  if (fields.length < 5 || fields.length > 6) {
    return `cron "${rule.cron}" has ${fields.length} fields, but needs five, or six with seconds`
  }
  // The parser would read a single instant.
  if (rule.cron.includes(':')) {
    return `cron "${rule.cron}" has ":", but the minute and the hour are two fields: 9:30 is "30 9 * * *"`
  }
  // AWS requires a "?" in one of its day fields, which is the hour or the month here.
  const days = fields.length === 6 ? [3, 5] : [2, 4]
  if (fields.some((field, at) => field.includes('?') && !days.includes(at))) {
    return `cron "${rule.cron}" has "?" in a field that isn't a day: six fields begin with seconds, and don't end with a year as in AWS`
  }
  // Quartz begins its weeks with Sunday as 1, Spring and this one as 0 or 7.
  if (fields.length === 6 && rule.cron.includes('?') && /\d/.test((fields[5] ?? '').replace(/#\d/g, ''))) {
    return `cron "${rule.cron}" has "?" and numbers of weekdays, which mean other days in Quartz: write names, such as MON-FRI`
  }
  // Without a name, the process's own zone would count, which differs between machines.
  if (rule.zone === '') return `cron "${rule.cron}" has an empty zone: name one, or leave it out for UTC`
  const { zone = 'UTC' } = rule
  if (!isZone(zone))
    return `cron "${rule.cron}" has the zone "${zone}", which is none: use a name such as Europe/Zurich`
  try {
    return new Cron(rule.cron, { timezone: zone }).nextRun() ? undefined : `cron "${rule.cron}" is never due`
  } catch (error) {
    return `cron "${rule.cron}" is not valid: ${messageOf(error)}`
  }
}

function isZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name })
    return true
  } catch {
    return false
  }
}

/** The first instant after `now` at which the rule is due; missed ticks aren't made up for. */
export function nextDue(rule: ScheduleRule, due: Date, now: Date): Date {
  if (isCron(rule)) {
    const next = new Cron(rule.cron, { timezone: rule.zone ?? 'UTC' }).nextRun(now)
    if (!next) throw new RangeError(`cron "${rule.cron}" is never due`)
    return next
  }
  const everyMs = rule.everySeconds * 1000
  const missed = Math.max(0, Math.floor((now.getTime() - due.getTime()) / everyMs))
  return new Date(due.getTime() + (missed + 1) * everyMs)
}

/** A new interval is due immediately, a new cron expression at its next time. */
export function firstDue(rule: ScheduleRule, now: Date): Date {
  return isCron(rule) ? nextDue(rule, now, now) : now
}

/** The latest time that the rule's next tick may have, with room for a tick that is being made and for the first one's spread. */
export function latestDue(rule: ScheduleRule, now: Date): Date {
  if (!isCron(rule)) return new Date(now.getTime() + 2 * rule.everySeconds * 1000 + mostSpreadMs)
  const due = nextDue(rule, now, now)
  return nextDue(rule, due, due)
}

/** What happens to a schedule that is due. */
export interface TickPlan {
  readonly nextAt: Date
  /** Ticks that no request makes up for. */
  readonly missed: number
  readonly isMade: boolean
}

/** For a rule that skips missed ticks: a tick made later than this counts as missed. */
const lateMs = 60_000
/** At most this many ticks of a cron expression are counted, because finding each takes a tenth of a millisecond. */
const mostCounted = 100

export function planTick(rule: ScheduleRule, { dueAt, now }: { dueAt: Date; now: Date }): TickPlan {
  const isMade = rule.missed !== 'skip' || now.getTime() - dueAt.getTime() <= lateMs
  const between = countBetween(rule, dueAt, now)
  return { nextAt: nextDue(rule, dueAt, now), missed: isMade ? between : between + 1, isMade }
}

/** How many ticks of the rule fall after `dueAt` and up to `now`; for a cron expression at most 100. */
function countBetween(rule: ScheduleRule, dueAt: Date, now: Date): number {
  if (!isCron(rule)) {
    const count = Math.max(0, Math.floor((now.getTime() - dueAt.getTime()) / (rule.everySeconds * 1000)))
    return Math.min(count, mostMissed)
  }
  const cron = new Cron(rule.cron, { timezone: rule.zone ?? 'UTC' })
  let count = 0
  for (let at = cron.nextRun(dueAt); at && at <= now && count < mostCounted; at = cron.nextRun(at)) count += 1
  return count
}

/** The most that the store counts for one tick. */
const mostMissed = 1_000_000

const mostSpreadMs = 60_000

/**
 * How many milliseconds, up to a minute, the very first interval is extended. Otherwise a thousand accounts that started in the
 * same second would always run in the same second.
 *
 * @param name of the line, which determines its offset
 */
export function spreadOf(rule: ScheduleRule, name: string): number {
  if (isCron(rule)) return 0
  return hash('sha256', name, 'buffer').readUInt32BE() % Math.min(rule.everySeconds * 1000, mostSpreadMs)
}
