import { Cron } from 'croner'
import type { ScheduleRule } from './account.ts'

/** The rule as text, to see whether a stored one has changed. */
export function describeRule(rule: ScheduleRule): string {
  return 'cron' in rule ? `${rule.cron} ${rule.zone ?? 'UTC'}` : `every ${rule.everySeconds} s`
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
