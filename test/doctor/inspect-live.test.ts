import { describe, expect } from 'vitest'
import type { JobDefinition } from '../../src/definitions/define-job.ts'
import { inspectLive } from '../../src/doctor/inspect-live.ts'
import type { TestApp } from '../fixtures/open-test-app.ts'
import { createNumberedTable, type TableSandbox } from '../fixtures/source-table.ts'
import { tableTest as test } from '../fixtures/table-test.ts'

const inspect = ({ deps }: TestApp, account: string, jobs: readonly JobDefinition[]) => {
  const access = deps.accounts.get(account) ?? expect.fail('there is an account')
  const { schemaFolder, clock } = deps
  return inspectLive(access, { jobs, schemaFolder, clock }, new AbortController().signal)
}
const liveJob = async (sandbox: TableSandbox) => (await createNumberedTable(sandbox, 3)).pull({ live: true })

describe('the doctor asks for the subscriptions of live jobs', () => {
  test('of which there may be none', async ({ app, account, sandbox }) => {
    const table = await createNumberedTable(sandbox, 3)
    expect(await inspect(app, account, [table.pull()])).toMatchObject({ status: 'skip' })
  })

  test('once, and leaves no connection open', async ({ app, account, sandbox }) => {
    const job = await liveJob(sandbox)
    const { status, detail } = await inspect(app, account, [job])
    expect([status, detail]).toEqual(['ok', expect.stringContaining(job.name)])
    await expect.poll(() => sandbox.hasura.sockets.open).toEqual([])
  })

  test('and warns where nothing lets a WebSocket pass, or the API refuses them', async ({ app, account, sandbox }) => {
    const job = await liveJob(sandbox)
    sandbox.hasura.sockets.refuse(426)
    expect(await inspect(app, account, [job])).toMatchObject({
      status: 'warn',
      detail: expect.stringMatching(/is not live and runs on schedule: .* answered HTTP 426/),
      hint: expect.stringContaining('Upgrade'),
    })
    sandbox.hasura.sockets.refuse(undefined)
    sandbox.hasura.fault({}, { kind: 'graphql-error', code: 'not-supported', message: 'subscriptions are disabled' })
    expect(await inspect(app, account, [job])).toMatchObject({
      status: 'warn',
      detail: expect.stringContaining('is not live'),
    })
  })
})
