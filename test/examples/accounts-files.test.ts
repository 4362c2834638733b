import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { syncEunifyerOrganizations } from '../../examples/eunifyer/sync-eunifyer-organizations.ts'
import { syncKeycloakUsers } from '../../examples/keycloak/sync-keycloak-users.ts'
import { syncPersiumStations } from '../../examples/persium/sync-persium-stations.ts'
import { syncPhaseTwoOrganizations } from '../../examples/phase-two/sync-phase-two-organizations.ts'
import { jobs as shippedJobs } from '../../examples/wiki/src/jobs/list.ts'
import { findJobFiles } from '../../src/app/find-job-files.ts'
import { parseConfig } from '../../src/config/config.ts'
import { jobsOf } from '../../src/definitions/account-jobs.ts'
import { checkJobList } from '../../src/definitions/check-jobs.ts'
import { wikiProject } from '../fixtures/wiki-project.ts'
import { readAccounts, systems } from './open-example.ts'

const project = join(import.meta.dirname, '../..')
const jobs = [
  ...shippedJobs,
  syncEunifyerOrganizations,
  syncKeycloakUsers,
  syncPersiumStations,
  syncPhaseTwoOrganizations,
]

describe.each(systems)("%s's accounts file", system => {
  test('says nothing that cannot be understood', async () => {
    expect(parseConfig({}, await readAccounts(system)).accounts).toMatchObject([{ name: system }])
  })

  test('names jobs that exist and can run for it', async () => {
    const [account] = parseConfig({}, await readAccounts(system)).accounts
    if (!account) throw new Error('no account')
    const own = jobsOf(account, jobs).map(({ name }) => name)
    expect(own.toSorted()).toEqual(account.jobs?.toSorted())
    expect(own).toEqual(expect.arrayContaining(Object.keys(account.schedules ?? {})))
    for (const job of jobs.filter(({ name }) => own.includes(name))) {
      const needsHasura = job.requirement !== undefined && 'role' in job.requirement
      expect(needsHasura && !account.hasura).toBe(false)
    }
  })

  test('holds no secret itself', async () => {
    const [account] = (await readAccounts(system)).accounts
    expect(Object.keys(account)).not.toContain('clientSecret')
  })
})

test('all example jobs can stand in one list', async () => {
  await checkJobList(jobs, name => findJobFiles(wikiProject, name))
})

test.each(globSync('examples/*/*.ts', { cwd: project }))(
  '%s imports packages alone, so that it can be copied into src/jobs/',
  path => {
    expect(readFileSync(join(project, path), 'utf8')).not.toMatch(/ from '\./)
  },
)
