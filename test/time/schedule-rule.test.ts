import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { describeRule, findRuleProblem, firstDue, nextDue, planTick } from '../../src/time/schedule-rule.ts'

const instant = fc.date({ min: new Date('2020-01-01'), max: new Date('2040-01-01'), noInvalidDate: true })
const at = (text: string) => new Date(text)

describe('an interval', () => {
  const rule = fc.integer({ min: 1, max: 100_000 }).map(everySeconds => ({ everySeconds }))

  test('is next due after now, at most one interval away, and on the grid of the first time', () => {
    fc.assert(
      fc.property(rule, instant, fc.integer({ min: 0, max: 10 ** 10 }), (every, due, lateMs) => {
        const now = new Date(due.getTime() + lateMs)
        const next = nextDue(every, due, now)
        const everyMs = every.everySeconds * 1000
        expect(next.getTime()).toBeGreaterThan(now.getTime())
        expect(next.getTime() - now.getTime()).toBeLessThanOrEqual(everyMs)
        expect((next.getTime() - due.getTime()) % everyMs).toBe(0)
      }),
    )
  })

  test('comes once after a night without a worker, and starts at once when it is new', () => {
    const every = { everySeconds: 300 }
    expect(nextDue(every, at('2026-03-01T22:00:00Z'), at('2026-03-02T06:02:00Z'))).toEqual(at('2026-03-02T06:05:00Z'))
    expect(firstDue(every, at('2026-03-02T06:02:00Z'))).toEqual(at('2026-03-02T06:02:00Z'))
  })
})

describe('a cron expression', () => {
  const rule = fc.record({
    cron: fc.constantFrom('* * * * *', '*/7 * * * *', '30 2 * * *', '0 0 1 * *', '15 4 * * 1-5', '0 12 29 2 *'),
    zone: fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Beirut', 'Australia/Lord_Howe'),
  })

  test('is always due after now, whatever it was due at', () => {
    fc.assert(
      fc.property(rule, instant, instant, (cron, due, now) => {
        const next = nextDue(cron, due, now)
        expect(next.getTime()).toBeGreaterThan(now.getTime())
        // Nothing lies between: a look just before it finds the same time.
        expect(nextDue(cron, due, new Date(next.getTime() - 1))).toEqual(next)
        expect(firstDue(cron, now)).toEqual(next)
      }),
      { numRuns: 60 },
    )
  })

  test('02:30 in Berlin comes once on the day without it and once on the day that has it twice', () => {
    const daily = { cron: '30 2 * * *', zone: 'Europe/Berlin' }
    const days = (from: string, count: number) => {
      const found: string[] = []
      for (let now = at(from); found.length < count; now = at(found.at(-1) ?? from)) {
        found.push(nextDue(daily, now, now).toISOString())
      }
      return found
    }
    expect(days('2026-03-28T00:00:00Z', 3)).toEqual([
      '2026-03-28T01:30:00.000Z',
      // At the end of the gap.
      '2026-03-29T01:00:00.000Z',
      '2026-03-30T00:30:00.000Z',
    ])
    const autumn = days('2026-10-24T00:00:00Z', 3)
    expect(autumn.map(day => day.slice(0, 10))).toEqual(['2026-10-24', '2026-10-25', '2026-10-26'])
  })

  test('midnight in Beirut, which one night of the year doesn’t have, never comes twice a day', () => {
    const daily = { cron: '0 0 * * *', zone: 'Asia/Beirut' }
    let now = at('2026-03-25T12:00:00Z')
    const gaps: number[] = []
    for (let n = 0; n < 8; n += 1) {
      const next = nextDue(daily, now, now)
      gaps.push((next.getTime() - now.getTime()) / 3_600_000)
      now = next
    }
    expect(Math.min(...gaps.slice(1))).toBeGreaterThanOrEqual(22)
    expect(Math.max(...gaps.slice(1))).toBeLessThanOrEqual(48)
  })
})

describe('what was missed', () => {
  const dueAt = at('2026-03-01T00:00:00Z')

  test.each([
    ['an interval', { everySeconds: 60 }, 60, 60],
    ['an interval over a month', { everySeconds: 60 }, 30 * 24 * 60, 43_200],
    ['a cron expression', { cron: '*/5 * * * *' }, 60, 12],
    // Each instant of a cron expression has to be found, and nobody needs more than "many".
    ['a cron expression over a month', { cron: '* * * * *', zone: 'Europe/Berlin' }, 30 * 24 * 60, 100],
  ])('%s is counted', (_name, rule, minutes, count) => {
    const now = new Date(dueAt.getTime() + minutes * 60_000)
    expect(planTick(rule, { dueAt, now })).toMatchObject({ isMade: true, missed: count })
    const skipping = { ...rule, missed: 'skip' as const }
    expect(planTick(skipping, { dueAt, now })).toMatchObject({ isMade: false, missed: count + 1 })
  })
})

describe('findRuleProblem', () => {
  test.each([
    [{ everySeconds: 0 }, 'everySeconds is 0'],
    [{ everySeconds: -5 }, 'everySeconds is -5'],
    [{ everySeconds: Number.NaN }, 'everySeconds is NaN'],
    [{ everySeconds: Number.POSITIVE_INFINITY }, 'everySeconds is Infinity'],
    [{ everySeconds: Number.MAX_SAFE_INTEGER }, 'everySeconds is 9007199254740991, but must be from 1 to 31536000000'],
    [{ cron: '' }, 'needs five, or six'],
    [{ cron: '*' }, 'needs five, or six'],
    [{ cron: '61 * * * *' }, 'is not valid'],
    [{ cron: '0 0 31 2 *' }, 'is never due'],
    [{ cron: '0 9:30 * * 1-5' }, 'has ":", but the minute and the hour are two fields: 9:30 is "30 9 * * *"'],
    // An instant to the parser, after which nothing would be due.
    [{ cron: '* &$: 12 8 48' }, 'has ":"'],
    [
      { cron: '0 0 * * *', zone: 'Europe/Atlantis' },
      'has the zone "Europe/Atlantis", which is none: use a name such as Europe/Zurich',
    ],
    [{ cron: '0 0 * * *', zone: 'W. Europe Standard Time' }, 'has the zone "W. Europe Standard Time", which is none'],
    // What only a compiler would refuse.
    ['0 6 * * 1-5', 'must be { everySeconds: 300 } or { cron: '],
    [60, 'must be { everySeconds: 300 }'],
    [{}, 'must be { everySeconds: 300 }'],
    [{ everySeconds: '60' }, 'must be { everySeconds: 300 }'],
    [{ every: '5m' }, 'must be { everySeconds: 300 }'],
    [{ everySeconds: 60, cron: '0 6 * * *' }, 'must be { everySeconds: 300 }'],
    [{ cron: '0 6 * * *', timezone: 'Europe/Zurich' }, 'has "timezone", which has no effect: it must be {'],
    [{ cron: '0 6 * * *', missed: 'never' }, "missed: 'skip'"],
    [{ cron: '0 0 * * *', zone: '' }, 'has an empty zone'],
    // Of AWS: daily at 10:00, and at 9:00 on weekdays.
    [{ cron: '0 10 * * ? *' }, 'has "?" in a field that isn\'t a day'],
    [{ cron: '0 9 ? * 2-6 *' }, 'has "?" in a field that isn\'t a day'],
    [{ cron: '? 10 * * *' }, 'has "?" in a field that isn\'t a day'],
    // Of Quartz: from Monday to Friday, and on the last Friday of the month.
    [{ cron: '0 0 6 ? * 2-6' }, 'has "?" and numbers of weekdays'],
    [{ cron: '0 0 6 ? * 6L' }, 'has "?" and numbers of weekdays'],
  ])('%j is refused: %s', (rule, words) => {
    expect(findRuleProblem(rule)).toContain(words)
  })

  test.each([
    { everySeconds: 1 },
    { everySeconds: 31_536_000_000 },
    { cron: '*/5 * * * *' },
    { cron: '0 0 29 2 *', zone: 'Asia/Tokyo' },
    { cron: '0 0 * * *', zone: '+02:00' },
    { everySeconds: 60, missed: 'skip' },
    // What a compiler lets pass.
    { everySeconds: 60, zone: 'Europe/Zurich' },
    { everySeconds: 60, cron: undefined, zone: undefined },
    { cron: '0 0 * * *', everySeconds: undefined },
    { cron: '0 0 * * *', zone: undefined, missed: 'run-once' },
    { cron: '0 12 ? * 1-5' },
    { cron: '0 0 12 ? * MON-FRI' },
    { cron: '0 0 12 1 * ?' },
    { cron: '0 0 12 ? * FRI#2' },
  ])('%j can be kept', rule => {
    expect(findRuleProblem(rule)).toBeUndefined()
  })

  test('rules that differ in anything have different texts', () => {
    const rules = [
      { everySeconds: 5 },
      { everySeconds: 50 },
      { cron: '5 * * * *' },
      { cron: '5 * * * *', zone: 'Europe/Berlin' },
    ]
    expect(new Set(rules.map(describeRule)).size).toBe(rules.length)
    expect(describeRule({ cron: '5 * * * *', zone: 'UTC' })).toBe(describeRule({ cron: '5 * * * *' }))
  })
})
