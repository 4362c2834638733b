import { describe, expect } from 'vitest'
import { sandboxTest } from '../fixtures/sandbox-test.ts'
import { countRows, openExample } from './open-example.ts'

const client = { clientId: 'sync-worker', clientSecret: 'canary', email: 'sync-worker@wiki.example' }

const test = sandboxTest
  .extend('sandboxOptions', { scope: 'file' }, { clients: [{ ...client, roles: ['viewer'] }] })
  .extend('open', ({ sandbox }) => () => {
    return openExample('phonemos', {
      addresses: { oidcIssuer: sandbox.idp.issuer, hasuraUrl: sandbox.hasura.url },
      secrets: { '/run/secrets/phonemos': 'canary\n' },
    })
  })

describe('the example of Phonemos', () => {
  test('makes its user known as the refresh role, and mirrors users, topics and articles', async ({
    open,
    sandbox,
  }) => {
    await using example = await open()
    for (const job of ['sync-users', 'sync-topics', 'sync-articles']) {
      expect(await example.run(job)).toMatchObject({ counts: { inserted: expect.any(Number), updated: 0 } })
      expect(await example.run(job)).toMatchObject({ counts: { inserted: 0, updated: 0 } })
    }
    const calls = sandbox.hasura.requests.filter(({ operationName }) => operationName === 'RefreshUsers')
    expect(calls).toMatchObject([{ role: 'viewer' }])
    const [visible] = await sandbox.hasura.sql("select count(*)::int as rows from articles where status = 'published'")
    expect(await countRows(example, 'articles')).toEqual({ present: visible?.rows, deleted: 0 })
  })

  test('is refused without the role, which is named', async ({ open, sandbox }) => {
    await using example = await open()
    sandbox.idp.setRoles(client.clientId, ['editor'])
    await expect(example.run('sync-topics')).rejects.toMatchObject({
      name: 'RefusalError',
      code: 'job-roles',
      message: expect.stringContaining('Role "viewer"'),
    })
    sandbox.idp.setRoles(client.clientId, ['viewer'])
    await example.run('sync-topics')
  })
})
