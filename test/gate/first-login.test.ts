import { randomUUID } from 'node:crypto'
import type { TypedDocumentNode } from '@graphql-typed-document-node/core'
import { parse } from 'graphql'
import { describe, expect } from 'vitest'
import { createAccountAccess } from '../../src/gate/account-access.ts'
import type { FirstLoginDeps } from '../../src/gate/first-login.ts'
import { openSession } from '../../src/gate/session.ts'
import { startProcess } from '../../src/process/process.ts'
import type { FirstLoginState } from '../../src/store/schema.ts'
import { type Clock, systemClock } from '../../src/time/clock.ts'
import { appTest } from '../fixtures/app-test.ts'
import { openTestApp } from '../fixtures/open-test-app.ts'
import { VirtualClock } from '../fixtures/virtual-clock.ts'
import { refreshUsersDocument } from '../fixtures/wiki-documents.ts'
import { hasPostgres } from '../services/postgres.ts'

const test = appTest
  .extend('callsSoFar', ({ sandbox }) => (): number => {
    return sandbox.hasura.requests.filter(request => request.operationName === 'RefreshUsers').length
  })
  /** Opens a session as a run does, and tells how often `refresh_users` was asked for meanwhile. */
  .extend(
    'open',
    ({ app, callsSoFar }) =>
      async (account: string, opening: Opening = {}): Promise<{ calls: number; error?: unknown }> => {
        const known = app.deps.accounts.get(account)?.account
        if (!known?.hasura) throw new Error(`no account ${account}`)
        const { refreshRole, signal = never, ...deps } = opening
        const clock = deps.clock ?? app.deps.clock
        const access = createAccountAccess(
          { ...known, hasura: { ...known.hasura, ...(refreshRole && { refreshRole }) } },
          { clock, readSecretFile: async () => '' },
        )
        const before = callsSoFar()
        try {
          await openSession({ ...app.deps, ...deps }, access, undefined, signal)
          return { calls: callsSoFar() - before }
        } catch (error) {
          return { calls: callsSoFar() - before, error }
        }
      },
  )
  .extend('stateOf', ({ app }) => async (account: string) => {
    const row = await app.deps.store
      .selectFrom('worker.accounts')
      .select(['first_login', 'first_login_process', 'first_login_note'])
      .where('name', '=', account)
      .executeTakeFirstOrThrow()
    return { state: row.first_login, process: row.first_login_process, note: row.first_login_note }
  })
  .extend('subjectOf', ({ sandbox }) => async (account: string): Promise<string> => {
    const [, payload = ''] = (await sandbox.idp.issueToken(account)).split('.')
    return JSON.parse(Buffer.from(payload, 'base64url').toString()).sub
  })
  /** The row that a process left behind, and who it was. */
  .extend(
    'leave',
    ({ app, sandbox, subjectOf }) =>
      async (account: string, state: FirstLoginState, process: string | null): Promise<void> => {
        await app.deps.store
          .insertInto('worker.accounts')
          .values({
            name: account,
            issuer: sandbox.idp.issuer,
            subject: await subjectOf(account),
            endpoint: sandbox.hasura.url,
            first_login: state,
            first_login_process: process,
          })
          .execute()
      },
  )
  .extend('makeVisible', ({ sandbox, subjectOf }) => async (account: string): Promise<void> => {
    await sandbox.hasura.sql('insert into public.users (id, username) values ($1, $2)', [
      await subjectOf(account),
      account,
    ])
  })

test.afterEach(async ({ sandbox }) => {
  sandbox.hasura.setRefreshDelay(0)
  await sandbox.hasura.start()
})

const { signal: never } = new AbortController()

interface Opening {
  readonly clock?: Clock
  readonly firstLogin?: FirstLoginDeps['firstLogin']
  readonly process?: FirstLoginDeps['process']
  readonly refreshRole?: string
  readonly signal?: AbortSignal
}

/** A user that reaches the application later than anybody waits here. */
const notVisible: FirstLoginDeps['firstLogin'] = { refreshUsers: refreshUsersDocument, isVisible: async () => false }

describe('refresh_users', () => {
  test('is called once for ten runs at once, and not again by a process that starts later', async ({
    app,
    callsSoFar,
    open,
    stateOf,
  }) => {
    const account = app.addAccount()
    const access = app.deps.accounts.get(account)
    if (!access) throw new Error('no access')
    const before = callsSoFar()
    await Promise.all(Array.from({ length: 10 }, () => openSession(app.deps, access, undefined, never)))
    expect(callsSoFar() - before).toBe(1)
    await using peer = await app.openPeer()
    expect(await open(account, { process: peer.deps.process })).toEqual({ calls: 0 })
    expect(await stateOf(account)).toEqual({ state: 'visible', process: null, note: null })
  })

  test('is called once by several processes at once', async ({ app, callsSoFar, open }) => {
    const account = app.addAccount()
    await using one = await app.openPeer()
    await using two = await app.openPeer()
    const before = callsSoFar()
    const peers = [app.deps.process, one.deps.process, two.deps.process]
    await Promise.all(peers.map(process => open(account, { process })))
    expect(callsSoFar() - before).toBe(1)
  })

  test('is called again after a crash between marking and calling', async ({ app, leave, open, stateOf }) => {
    const account = app.addAccount()
    await leave(account, 'calling', randomUUID())
    expect(await open(account)).toEqual({ calls: 1 })
    expect(await stateOf(account)).toMatchObject({ state: 'visible', process: null })
  })

  test('is not called again after a crash that followed the call, if the user is visible', async ({
    app,
    leave,
    makeVisible,
    open,
    stateOf,
  }) => {
    const account = app.addAccount()
    await leave(account, 'calling', randomUUID())
    await makeVisible(account)
    expect(await open(account)).toEqual({ calls: 0 })
    expect(await stateOf(account)).toMatchObject({ state: 'visible', process: null })
  })

  test('is left to the living process that is at it, and taken over once that one is gone', async ({
    app,
    leave,
    open,
  }) => {
    const account = app.addAccount()
    const { clock, log } = app.deps
    const other = await startProcess(
      { database: app.database, clock, log },
      { host: 'elsewhere', pid: 1, isAlone: false },
    )
    await leave(account, 'calling', other.id)
    const { calls, error } = await open(account, { clock: new VirtualClock() })
    expect(calls).toBe(0)
    expect(error).toMatchObject({ code: 'first-login', name: 'OutageError' })
    await other[Symbol.asyncDispose]()
    expect(await open(account)).toEqual({ calls: 1 })
  })

  test('is not repeated when its answer is lost and the user can be seen', async ({ app, sandbox, open, stateOf }) => {
    const account = app.addAccount()
    sandbox.hasura.fault({ operationName: 'RefreshUsers', times: 1 }, { kind: 'reset-after' })
    expect(await open(account)).toEqual({ calls: 1 })
    expect(await stateOf(account)).toMatchObject({ state: 'visible', note: null })
  })

  test('is not repeated blindly when its answer is lost and the user appears later', async ({
    app,
    sandbox,
    open,
    stateOf,
  }) => {
    const account = app.addAccount()
    sandbox.hasura.fault({ operationName: 'RefreshUsers', times: 1 }, { kind: 'reset-after' })
    const { calls, error } = await open(account, { firstLogin: notVisible })
    expect(calls).toBe(1)
    expect(error).toMatchObject({ code: 'first-login', name: 'OutageError', scope: 'account' })
    expect(await stateOf(account)).toMatchObject({ state: 'calling', process: null })
    expect(await open(account)).toEqual({ calls: 0 })
    expect(await stateOf(account)).toMatchObject({ state: 'visible' })
  })

  test('is repeated when its answer is lost and it turns out not to have happened', async ({
    app,
    sandbox,
    open,
    stateOf,
  }) => {
    const account = app.addAccount()
    sandbox.hasura.fault({ operationName: 'RefreshUsers', times: 1 }, { kind: 'reset' })
    expect(await open(account)).toMatchObject({ calls: 1, error: { code: 'first-login', name: 'OutageError' } })
    expect(await open(account)).toEqual({ calls: 1 })
    expect(await stateOf(account)).toMatchObject({ state: 'visible' })
  })

  test('is called later when Hasura cannot be reached at first', async ({ app, sandbox, open, stateOf }) => {
    const account = app.addAccount()
    await sandbox.hasura.stop()
    expect(await open(account)).toMatchObject({ calls: 0, error: { code: 'network', name: 'OutageError' } })
    expect(await stateOf(account)).toMatchObject({ state: 'pending', process: null })
    await sandbox.hasura.start()
    expect(await open(account)).toEqual({ calls: 1 })
  })

  test('is not called again for a process that was stopped, or met an outage, while it waited for the user', async ({
    app,
    open,
    stateOf,
    sandbox,
  }) => {
    const account = app.addAccount()
    const stop = new AbortController()
    const clock: Clock = {
      ...systemClock,
      async sleep(_ms, signal) {
        stop.abort(new Error('SIGTERM'))
        signal?.throwIfAborted()
      },
    }
    expect(await open(account, { firstLogin: notVisible, clock, signal: stop.signal })).toMatchObject({
      calls: 1,
      error: stop.signal.reason,
    })
    expect(await stateOf(account)).toMatchObject({ state: 'called', process: null })
    sandbox.hasura.fault({ operationName: 'FindUser' }, { kind: 'status', status: 502 })
    expect(await open(account, { clock: new VirtualClock() })).toMatchObject({ calls: 0, error: { code: 'http-502' } })
    expect(await stateOf(account)).toMatchObject({ state: 'called', process: null })
    sandbox.hasura.clearFaults()
    expect(await open(account)).toEqual({ calls: 0 })
  })

  test('is not called for a token without a user id, which is refused', async ({ app, sandbox, open, stateOf }) => {
    const account = app.addAccount()
    sandbox.idp.setClaims(account, payload => ({
      ...payload,
      'https://hasura.io/jwt/claims': { 'x-hasura-allowed-roles': ['viewer'], 'x-hasura-default-role': 'viewer' },
    }))
    const { calls, error } = await open(account)
    expect(calls).toBe(0)
    expect(error).toMatchObject({
      name: 'RefusalError',
      code: 'user-id',
      message: expect.stringContaining('no x-hasura-user-id'),
    })
    expect(await stateOf(account)).toMatchObject({ state: 'pending', process: null })
  })
})

describe('a role without refresh_users', () => {
  test('continues with a note if the user is visible all the same', async ({ app, makeVisible, open, stateOf }) => {
    const account = app.addAccount({ roles: ['restorer'] })
    await makeVisible(account)
    expect(await open(account)).toEqual({ calls: 1 })
    expect(await stateOf(account)).toEqual({
      state: 'visible',
      process: null,
      note: expect.stringMatching(/^refresh_users was refused \(.*restorer.*\), but the user is visible$/),
    })
  })

  test('is refused, naming REFRESH_ROLE, when the user is not visible, and passes with that role', async ({
    app,
    open,
    stateOf,
  }) => {
    const account = app.addAccount({ roles: ['restorer', 'viewer'] })
    const { error } = await open(account)
    expect(error).toMatchObject({
      name: 'RefusalError',
      code: 'first-login',
      scope: 'account',
      message: expect.stringMatching(
        /^refresh_users was refused for role "restorer" and the user is not visible \(.*\): set REFRESH_ROLE to a role that may call refresh_users$/,
      ),
    })
    expect(await stateOf(account)).toMatchObject({ state: 'pending', process: null })
    expect(await open(account, { refreshRole: 'viewer' })).toEqual({ calls: 1 })
    expect(await stateOf(account)).toMatchObject({ state: 'visible', note: null })
  })

  test('and without sight of users is refused, naming REFRESH_ROLE', async ({ app, open }) => {
    const account = app.addAccount({ roles: ['restorer'] })
    const document: TypedDocumentNode<unknown, { id: string }> = parse(
      'query SeeUser($id: uuid!) { users_by_pk(id: $id) { email } }',
    )
    const firstLogin: FirstLoginDeps['firstLogin'] = {
      refreshUsers: refreshUsersDocument,
      isVisible: async (hasura, id, signal) => Boolean(await hasura.query(document, { id }, { signal })),
    }
    const { error } = await open(account, { firstLogin })
    expect(error).toMatchObject({
      name: 'RefusalError',
      code: 'first-login',
      message: expect.stringMatching(/^Role "restorer" can't query whether .* set REFRESH_ROLE to a role that may/),
    })
  })
})

describe('a user', () => {
  test('that becomes visible a while after the call is waited for', async ({ app, sandbox, open, stateOf }) => {
    const account = app.addAccount()
    sandbox.hasura.setRefreshDelay(600)
    expect(await open(account)).toEqual({ calls: 1 })
    const looks = sandbox.hasura.requests.filter(request => request.operationName === 'FindUser')
    expect(looks.length).toBeGreaterThan(1)
    expect(await stateOf(account)).toMatchObject({ state: 'visible' })
  })

  test('that never becomes visible is refused after a minute, and called for again', async ({
    app,
    sandbox,
    open,
    subjectOf,
  }) => {
    const account = app.addAccount()
    sandbox.hasura.setRefreshDelay(3_600_000)
    // A machine whose clock is corrected meanwhile.
    const clock = new (class extends VirtualClock {
      override sleep(ms: number, ending?: AbortSignal): Promise<void> {
        if (this.pausesMs.length === 0) this.correct(-10_000)
        return super.sleep(ms, ending)
      }
    })()
    const startedAt = clock.elapsed()
    const { calls, error } = await open(account, { clock })
    expect(calls).toBe(1)
    expect(error).toMatchObject({
      name: 'RefusalError',
      code: 'first-login',
      message: `The user ${await subjectOf(account)} of account "${account}" was not visible 60 s after refresh_users: check that its email is set and verified, and that it is in a group of the application`,
    })
    expect(clock.elapsed() - startedAt).toBeGreaterThan(60_000)
    expect(clock.elapsed() - startedAt).toBeLessThan(66_000)
    expect(Math.max(...clock.pausesMs)).toBe(4_000)
    expect(await open(account, { clock })).toMatchObject({ calls: 1 })
  })

  test('is nothing that is asked for where no operation is configured', async ({ app, open, stateOf }) => {
    const account = app.addAccount()
    expect(await open(account, { firstLogin: undefined })).toEqual({ calls: 0 })
    expect(await stateOf(account)).toMatchObject({ state: 'visible', note: 'no refresh_users operation is configured' })
  })

  test('is taken for visible after the call where no way to look is configured', async ({
    app,
    sandbox,
    open,
    stateOf,
  }) => {
    const account = app.addAccount()
    const looksBefore = sandbox.hasura.requests.filter(request => request.operationName === 'FindUser').length
    expect(await open(account, { firstLogin: { refreshUsers: refreshUsersDocument } })).toEqual({ calls: 1 })
    expect(sandbox.hasura.requests.filter(request => request.operationName === 'FindUser')).toHaveLength(looksBefore)
    expect(await stateOf(account)).toMatchObject({ state: 'visible' })
  })
})

test('a process that was taken for dead meanwhile does not undo what its successor did', async ({
  app,
  open,
  stateOf,
}) => {
  const account = app.addAccount()
  const stop = new AbortController()
  const clock: Clock = {
    ...systemClock,
    async sleep(_ms, signal) {
      await app.deps.store
        .updateTable('worker.accounts')
        .set({ first_login: 'visible', first_login_process: null })
        .where('name', '=', account)
        .execute()
      stop.abort(new Error('SIGTERM'))
      signal?.throwIfAborted()
    },
  }
  await open(account, { firstLogin: notVisible, clock, signal: stop.signal })
  expect(await stateOf(account)).toMatchObject({ state: 'visible' })
})

describe.runIf(hasPostgres)('several workers on one Postgres', () => {
  test('call refresh_users once between them', async ({ sandbox, callsSoFar }) => {
    await using shared = await openTestApp({ backend: 'postgres', sandbox, jobs: [] })
    const account = shared.addAccount()
    await using one = await shared.openPeer()
    await using two = await shared.openPeer()
    const before = callsSoFar()
    const openings = [shared, one, two].flatMap(({ deps }) =>
      Array.from({ length: 3 }, () => {
        const access = deps.accounts.get(account)
        if (!access) throw new Error('no access')
        return openSession(deps, access, undefined, never)
      }),
    )
    await Promise.all(openings)
    expect(callsSoFar() - before).toBe(1)
  })
})
