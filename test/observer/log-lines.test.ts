import { expect, test } from 'vitest'
import { z } from 'zod'
import { PullTopicsDocument } from '../../examples/wiki/src/generated/graphql.ts'
import { defineJob } from '../../src/definitions/define-job.ts'
import { runLine } from '../../src/execution/run-line.ts'
import { openTestApp } from '../fixtures/open-test-app.ts'

let attempts = 0
const greet = defineJob({
  name: 'greet',
  payload: z.strictObject({}),
  requirement: { role: 'viewer' },
  async run(session, { log, signal }) {
    attempts += 1
    log.info({ attempts }, 'the job says')
    await session.hasura.query(PullTopicsDocument, { where: {}, order_by: [], limit: 1 }, { signal })
    if (attempts === 1) throw new Error('It broke')
    return {}
  },
})

test('each line of a run that fails and is retried names request, run, job and account', async () => {
  await using app = await openTestApp({ jobs: [greet] })
  const line = { job: greet.name, account: 'default' }
  const before = app.logged.lines.length
  const { id: request } = await app.operations.makeRequest({ ...line, payload: {} })
  app.hasura.fault({ operationName: 'PullTopics', times: 1 }, { kind: 'status', status: 500 })
  const attempt = () => runLine(app.deps, line, new AbortController().signal, () => 'end')
  await attempt()
  await app.operations.makeRequest({ ...line, payload: {}, priority: 'high' })
  await attempt()

  const lines = app.logged.lines.slice(before)
  const isOfRun = ({ msg }: Record<string, unknown>) => msg !== 'request accepted'
  expect(lines.map(({ msg }) => msg)).toEqual([
    'request accepted',
    'first login: calling refresh_users',
    'first login: the user is visible',
    'run started',
    'the job says',
    'a request failed and is retried',
    'run failed',
    'request accepted',
    'run started',
    'the job says',
    'run succeeded',
  ])
  for (const written of lines) expect(written).toMatchObject({ ...line, request })
  const runs = await app.operations.listRuns({ job: greet.name })
  const [second, first] = runs.map(({ id }) => id)
  expect(lines.filter(isOfRun).map(({ run }) => run)).toEqual([...Array(6).fill(first), ...Array(3).fill(second)])
})
