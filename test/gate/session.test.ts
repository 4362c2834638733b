import { describe, expect } from 'vitest'
import { RefusalError } from '../../src/errors.ts'
import { createAccountAccess } from '../../src/gate/account-access.ts'
import { openSession, Session } from '../../src/gate/session.ts'
import { appTest as test } from '../fixtures/app-test.ts'
import type { TestApp } from '../fixtures/open-test-app.ts'

const { signal } = new AbortController()

function accessOf(app: TestApp, account: string) {
  const access = app.deps.accounts.get(account)
  if (!access) throw new Error(`no account ${account}`)
  return access
}

function open(app: TestApp, account: string, role = 'viewer') {
  return openSession(app.deps, accessOf(app, account), { role }, signal)
}

function tokensOf(app: TestApp, account: string): number {
  return app.idp.tokenRequests.filter(request => request.clientId === account).length
}

describe('the gate', () => {
  test('opens a session that uses only the required role with Hasura', async ({ app }) => {
    const account = app.addAccount({ roles: ['viewer', 'editor'] })
    const session = await open(app, account, 'editor')
    expect(session.account).toEqual({ name: account })
    expect(session.hasura.role).toBe('editor')
  })

  test('gives a job without a role no access to Hasura', async ({ app }) => {
    const session = await openSession(app.deps, accessOf(app, app.addAccount()), undefined, signal)
    expect(() => session.hasura).toThrow(expect.objectContaining({ name: 'PermanentError', code: 'no-role' }))
  })

  test('asks for one more token when a role is missing, and lets pass what was granted meanwhile', async ({ app }) => {
    const account = app.addAccount({ roles: ['viewer'] })
    await open(app, account)
    expect(tokensOf(app, account)).toBe(1)
    app.idp.setRoles(account, ['viewer', 'editor'])
    await open(app, account, 'editor')
    expect(tokensOf(app, account)).toBe(2)
    await open(app, account, 'editor')
    expect(tokensOf(app, account)).toBe(2)
  })

  test('asks no second time when the role is missing in the fresh token as well', async ({ app }) => {
    const account = app.addAccount({ roles: ['viewer'] })
    await open(app, account)
    await expect(open(app, account, 'editor')).rejects.toMatchObject({
      name: 'RefusalError',
      code: 'job-roles',
      found: `Role "editor" is not in the token's allowed roles (viewer)`,
      remedy: expect.stringMatching(
        /^assign it to the service account in client "phonemos-hasura", and where Full scope/,
      ),
    })
    expect(tokensOf(app, account)).toBe(2)
  })

  test('asks for one more token for eight jobs that miss a role at once', async ({ app }) => {
    const account = app.addAccount({ roles: ['viewer'] })
    await open(app, account)
    app.idp.setRoles(account, ['viewer', 'editor'])
    await Promise.all(Array.from({ length: 8 }, () => open(app, account, 'editor')))
    expect(tokensOf(app, account)).toBe(2)
  })

  test('leaves other jobs their token while none can be fetched for a job that misses a role', async ({ app }) => {
    const account = app.addAccount({ roles: ['viewer'] })
    await open(app, account)
    const end = app.idp.fault('token', { kind: 'status', status: 503 })
    await expect(open(app, account, 'editor')).rejects.toMatchObject({ code: 'job-roles', scope: 'job' })
    await open(app, account)
    end()
    expect(tokensOf(app, account)).toBe(2)
  })

  test('lets an account without Hasura pass on what its token says, without any first login', async ({ app }) => {
    const account = app.addAccount()
    const { hasura: _none, ...plain } = accessOf(app, account).account
    const access = createAccountAccess({ ...plain, name: `${account}-rest` }, hostOf(app))
    const before = app.hasura.requests.length
    const session = await openSession(app.deps, access, { clientRoles: { 'phonemos-hasura': ['viewer'] } }, signal)
    expect(() => session.hasura).toThrow(expect.objectContaining({ name: 'PermanentError', code: 'no-role' }))
    expect(app.hasura.requests).toHaveLength(before)
    await expect(openSession(app.deps, access, { role: 'viewer' }, signal)).rejects.toThrow('set HASURA_URL')
  })
})

describe('what a token lacks', () => {
  test.for<{
    says: string
    code: string
    change: (payload: Record<string, unknown>) => Record<string, unknown>
    words: string
  }>([
    {
      says: 'the namespace, while it has the scope: the mappers',
      code: 'claims',
      change: ({ 'https://hasura.io/jwt/claims': _claims, ...rest }) => rest,
      words: 'though it has the `hasura` scope: check that each mapper',
    },
    {
      says: 'the namespace, while roles are assigned: the scope',
      code: 'claims',
      change: ({ 'https://hasura.io/jwt/claims': _claims, scope: _scope, ...rest }) => rest,
      words: 'though roles are assigned: make the `hasura` client scope a default scope of the client',
    },
    {
      says: 'allowed roles',
      code: 'allowed-roles',
      change: changeHasura(({ 'x-hasura-allowed-roles': _roles, ...rest }) => rest),
      words: 'probably because no role is assigned: assign one to the service account of client',
    },
    {
      says: 'a list of allowed roles',
      code: 'allowed-roles',
      change: changeHasura(claims => ({ ...claims, 'x-hasura-allowed-roles': 'viewer' })),
      words: 'turn on Multivalued',
    },
    {
      says: 'claims that are no string',
      code: 'claims',
      change: payload => ({ ...payload, [namespace]: JSON.stringify(payload[namespace]) }),
      words: 'set HASURA_CLAIMS_FORMAT=stringified_json',
    },
    {
      says: 'the configured namespace',
      code: 'claims',
      change: ({ [namespace]: claims, ...rest }) => ({ ...rest, 'https://other.example/claims': claims }),
      words: 'HASURA_CLAIMS_NAMESPACE',
    },
  ])('is refused in words that say what to mend: $says', async ({ code, change, words }, { app }) => {
    const account = app.addAccount()
    app.idp.setClaims(account, change)
    const failure = await open(app, account).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(RefusalError)
    expect(failure).toMatchObject({ code, scope: 'account', message: expect.stringContaining(words) })
    app.idp.setClaims(account, payload => payload)
    await open(app, account)
  })
})

const namespace = 'https://hasura.io/jwt/claims'

function changeHasura(change: (claims: Record<string, unknown>) => Record<string, unknown>) {
  return (payload: Record<string, unknown>) => ({
    ...payload,
    [namespace]: change(Object.fromEntries(Object.entries(payload[namespace] ?? {}))),
  })
}

describe('an account name that meant something else before', () => {
  const change = (app: TestApp, account: string, row: Partial<Record<'issuer' | 'subject' | 'endpoint', string>>) =>
    app.deps.store.updateTable('worker.accounts').set(row).where('name', '=', account).execute()
  const startAgain = (account: string) =>
    `otherwise give the new one a name of its own, or run "npm run -s cli -- forget ${account} --configured" to delete what was synced and start again`

  const apart = (part: string) =>
    `if another worker with the former ${part} uses this store too, such as that of another environment, give each a DATABASE_URL of its own`

  test.for(['issuer', 'subject', 'endpoint'] as const)(
    'is refused for its %s, and taken after forget',
    async (part, { app }) => {
      const account = app.addAccount()
      await open(app, account)
      const now = await accountRow(app, account)
      await change(app, account, { [part]: 'https://elsewhere.example' })
      await expect(open(app, account)).rejects.toMatchObject({
        code: 'fingerprint',
        scope: 'account',
        found: `Account "${account}" had ${part} https://elsewhere.example before and has ${now[part]} now`,
        remedy: expect.stringContaining(startAgain(account)),
      })
      await app.operations.forget({ account, configured: true })
      await open(app, account)
      expect(await accountRow(app, account)).toMatchObject({ [part]: now[part] })
    },
  )

  test.for(['issuer', 'endpoint'] as const)(
    'is told how to keep everything if only its %s has moved',
    async (part, { app }) => {
      const account = app.addAccount()
      await open(app, account)
      const now = await accountRow(app, account)
      await change(app, account, { [part]: 'https://before.example' })
      await expect(open(app, account)).rejects.toMatchObject({
        remedy: `${apart(part)}; if only the address has changed, write it into the column ${part} of the account's row in worker.accounts, which keeps what was synced; ${startAgain(account)}`,
      })
      await change(app, account, { [part]: now[part] })
      await open(app, account)
      expect(await accountRow(app, account)).toEqual(now)
    },
  )

  test('has not moved if its user is another, or if it had no endpoint', async ({ app }) => {
    const account = app.addAccount()
    await open(app, account)
    const { issuer, subject } = await accountRow(app, account)
    await change(app, account, { issuer: 'https://before.example', subject: 'other' })
    await expect(open(app, account)).rejects.toMatchObject({
      remedy: `${apart('issuer')}; ${startAgain(account)}`,
    })
    await change(app, account, { issuer, subject, endpoint: '' })
    await expect(open(app, account)).rejects.toMatchObject({ remedy: `${apart('endpoint')}; ${startAgain(account)}` })
  })
})

test('an endpoint in another spelling is the same', async ({ app }) => {
  const account = app.addAccount()
  await open(app, account)
  const { endpoint } = await accountRow(app, account)
  await app.deps.store
    .updateTable('worker.accounts')
    .set({ endpoint: endpoint.replace('http://', 'HTTP://') })
    .where('name', '=', account)
    .execute()
  await open(app, account)
})

function accountRow(app: TestApp, account: string) {
  return app.deps.store.selectFrom('worker.accounts').selectAll().where('name', '=', account).executeTakeFirstOrThrow()
}

describe('a session', () => {
  test('can’t be made with another key', async ({ app }) => {
    const { account, claims } = await open(app, app.addAccount())
    // @ts-expect-error the key is a symbol that the gate's module doesn't let out
    expect(() => new Session(Symbol('session'), account, claims, undefined)).toThrow(
      'Only the gate can create a session',
    )
  })

  test('can’t be assembled from its prototype', () => {
    const forged: Session = Object.create(Session.prototype)
    expect(() => forged.hasura).toThrow(TypeError)
  })

  test('cannot be written as a literal', () => {
    // @ts-expect-error a private field makes the class the only source
    const forged: Session = { account: undefined, claims: undefined, hasura: undefined }
    expect(forged).not.toBeInstanceOf(Session)
  })
})

function hostOf(app: TestApp) {
  return { clock: app.deps.clock, readSecretFile: async () => '' }
}
