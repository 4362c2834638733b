import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { jobs } from '../../examples/wiki/src/jobs/list.ts'
import { findJobFiles } from '../../src/app/find-job-files.ts'
import { checkJobList } from '../../src/definitions/check-jobs.ts'
import { defineJob, type JobDefinition } from '../../src/definitions/define-job.ts'
import { ConfigError } from '../../src/errors.ts'
import { renderExplanation } from '../../src/explanation.ts'
import { wikiProject } from '../fixtures/wiki-project.ts'

const job = (more: Partial<JobDefinition> = {}) =>
  defineJob({ name: 'sync-things', payload: z.object({}), run: async () => ({}), ...more })
const problemsOf = async (...list: JobDefinition[]) => {
  const error = await checkJobList(list, async name => [`src/jobs/${name}.ts`]).catch((thrown: unknown) => thrown)
  return error instanceof ConfigError ? error.problems.map(renderExplanation) : []
}

describe('the job list', () => {
  test('that is committed is in order', async () => {
    await expect(checkJobList(jobs, name => findJobFiles(wikiProject, name))).resolves.toBeUndefined()
  })

  test('is refused with every problem at once, each with its job and the file', async () => {
    const problems = await problemsOf(
      job({ name: 'sync-a', into: 'things' }),
      job({ name: 'sync-a', into: 'things' }),
      job({ name: 'sync-b', into: ['others', 'things'] }),
      job({ name: 'Sync B' }),
      job({ name: 'sync-c', schedule: { cron: '* *' } }),
      job({ name: 'sync-g', requirement: { role: 'line\nbreak' } }),
      job({ name: 'sync-h', requirement: { role: 'Viewer' } }),
      job({ name: 'sync-i', requirement: { role: 'viewer' } }),
    )
    expect(problems).toEqual([
      'Two jobs are called "sync-a" (src/jobs/sync-a.ts): rename one, or list the job only once',
      expect.stringMatching(
        /^Two jobs write to mirror\.things: sync-a and sync-b \(src\/jobs\/sync-a\.ts, src\/jobs\/sync-b\.ts\): /,
      ),
      expect.stringMatching(/^Roles "Viewer" and "viewer" share one schema file/),
      expect.stringMatching(/^Job "Sync B" \(src\/jobs\/Sync B\.ts\): /),
      expect.stringMatching(/^Job "sync-c" \(src\/jobs\/sync-c\.ts\): cron "\* \*" has 2 fields/),
      expect.stringMatching(/^Job "sync-g" .*holds a control character/),
    ])
  })

  test.each([['query Things { things { id } }'], [Object('query Things { things { id } }')], [undefined]])(
    'with the operation %j is refused',
    async operation => {
      const problems = await problemsOf(job(Object({ operations: [operation] })))
      expect(problems).toEqual([expect.stringMatching(/^Job "sync-things" .*operations must be documents/)])
    },
  )

  test.each<[unknown, boolean]>([
    [undefined, true],
    [{ role: 'viewer' }, true],
    [{ scopes: ['openid'] }, true],
    [{ clientRoles: { 'realm-management': ['view-users'] } }, true],
    [{ role: '' }, false],
    [{ scopes: [] }, false],
    [{ clientRoles: {} }, false],
    [{ clientRoles: { 'realm-management': [] } }, false],
    [{ role: 'viewer', scopes: ['openid'] }, false],
    [{ rol: 'viewer' }, false],
    ['viewer', false],
  ])('with the requirement %j is in order: %s', async (requirement, isInOrder) => {
    const problems = await problemsOf(job(Object({ requirement })))
    expect(problems).toEqual(isInOrder ? [] : [expect.stringMatching(/^Job "sync-things" .*requirement must be/)])
  })

  test('knows in which files its jobs are written', async () => {
    expect(await findJobFiles(wikiProject, 'sync-articles')).toEqual(['src/jobs/sync-articles.ts'])
    expect(await findJobFiles(wikiProject, 'nowhere')).toEqual([])
  })
})
