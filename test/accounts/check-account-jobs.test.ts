import { describe, expect, test } from 'vitest'
import { jobs } from '../../examples/wiki/src/jobs/list.ts'
import type { Account } from '../../src/account.ts'
import { checkAccountJobs } from '../../src/app/check-account-jobs.ts'
import { parseConfig } from '../../src/config/config.ts'
import { ConfigError } from '../../src/errors.ts'
import { renderExplanation } from '../../src/explanation.ts'

const login = { tokenUrl: 'https://idp/token', clientId: 'a', clientSecret: 's' }

function problemsOf(...settings: object[]): readonly string[] {
  const accounts = settings.map((own, index) => ({ name: `account-${index}`, ...login, ...own }))
  const parsed: readonly Account[] = parseConfig({}, { accounts }).accounts
  try {
    checkAccountJobs(parsed, jobs)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(renderExplanation)
    throw error
  }
}

const known = 'the jobs are sync-users, sync-topics, sync-articles, bootstrap-account'

describe('what an accounts file says of jobs', () => {
  test('may be nothing, and may name every job that there is', () => {
    const schedules = { 'sync-users': { cron: '0 3 * * *', zone: 'Europe/Zurich' }, 'sync-topics': null }
    expect(problemsOf({}, { jobs: ['sync-users', 'sync-topics'], schedules })).toEqual([])
  })

  test.each<[string, object, (string | RegExp)[]]>([
    [
      'an unknown job',
      { jobs: ['sync-users', 'sync-all'] },
      [`accounts.1.jobs.1: there is no job "sync-all": ${known}`],
    ],
    [
      'a schedule of an unknown job',
      { schedules: { 'sync-all': null } },
      [`accounts.1.schedules.sync-all: there is no job "sync-all": ${known}`],
    ],
    [
      "a schedule of a job that isn't the account's",
      { jobs: ['sync-users'], schedules: { 'sync-topics': { everySeconds: 60 } } },
      [/^ACCOUNTS_FILE accounts\.1\.schedules\.sync-topics: "sync-topics" is not among the account's jobs/],
    ],
    [
      'rules that never come',
      { schedules: { 'sync-users': { cron: '0 0 30 2 *' }, 'sync-topics': { cron: '* * *' } } },
      [
        'accounts.1.schedules.sync-users: cron "0 0 30 2 *" is never due',
        /^ACCOUNTS_FILE accounts\.1\.schedules\.sync-topics: cron "\* \* \*" /,
      ],
    ],
    [
      'a zone that is nowhere',
      { schedules: { 'sync-users': { cron: '0 0 * * *', zone: 'Mars/Olympus' } } },
      [/^ACCOUNTS_FILE accounts\.1\.schedules\.sync-users: cron "0 0 \* \* \*" has the zone "Mars\/Olympus"/],
    ],
  ])('is told with its path: %s', (_what, settings, sentences) => {
    expect(problemsOf({}, settings)).toEqual(
      sentences.map(each => (typeof each === 'string' ? `ACCOUNTS_FILE ${each}` : expect.stringMatching(each))),
    )
  })
})
