import { parse } from 'graphql'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { ConfigError } from '../../src/errors.ts'
import { defineJob, type JobDefinition } from '../../src/jobs/define-job.ts'
import { jobs } from '../../src/jobs/list.ts'
import { checkJobs } from '../../src/runs/check-jobs.ts'

const job = (more: Partial<JobDefinition> = {}) =>
  defineJob({ name: 'sync-things', payload: z.object({}), run: async () => ({}), ...more })
const problemsOf = async (...list: JobDefinition[]) => {
  const error = await checkJobs(list).catch((thrown: unknown) => thrown)
  return error instanceof ConfigError ? error.problems : []
}

describe('the job list', () => {
  test('that is committed is in order', async () => {
    await expect(checkJobs(jobs)).resolves.toBeUndefined()
  })

  test('is refused with every problem at once', async () => {
    const problems = await problemsOf(
      job({ name: 'sync-a', into: 'things' }),
      job({ name: 'sync-a', into: 'things' }),
      job({ name: 'Sync B' }),
      job({ name: 'sync-c', schedule: { cron: '* *' } }),
      job({ name: 'sync-d', requirement: { role: 'viewer' }, operations: [parse('query D { secrets { id } }')] }),
      job({ name: 'sync-e', requirement: { role: 'nobody' }, operations: [parse('query E { users { id } }')] }),
      job({
        name: 'sync-f',
        requirement: { role: 'viewer' },
        operations: [parse('query F { users { id } }')],
        findProblems: ({ role }) => [`not for ${role}`],
      }),
      job({ name: 'sync-g', requirement: { role: 'line\nbreak' } }),
      job({ name: 'sync-h', requirement: { role: 'Viewer' } }),
    )
    expect(problems.map(problem => problem.replace(/:.*$/s, ''))).toEqual([
      'Two jobs are called "sync-a".',
      'Two jobs write mirror.things',
      'Roles "viewer" and "Viewer" have one schema file where case doesn\'t tell names apart',
      'Job "Sync B"',
      'Job "sync-c"',
      'Job "sync-d" as role "viewer"',
      'Job "sync-e"',
      'Job "sync-f"',
      'Job "sync-g"',
    ])
    expect(problems[5]).toContain('secrets')
    expect(problems[6]).toContain('schema pull --role nobody')
    expect(problems[7]).toBe('Job "sync-f": not for viewer')
  })
})
