import { generateKeyPairSync } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { CheckId } from '../../src/doctor/check.ts'
import { type SandboxHasura, startHasura } from '../sandbox/hasura/start-hasura.ts'
import { createKeycloakClient } from '../services/keycloak-client.ts'
import { createRealm, type Realm, WORKER_API } from '../services/keycloak-realm.ts'
import { getSharedKeycloak } from '../services/shared-keycloak.ts'
import { runDoctor } from './run-doctor.ts'

let realm: Realm
let hasura: SandboxHasura
let folder: string
let env: Record<string, string>

beforeAll(async () => {
  realm = await createRealm(getSharedKeycloak(), undefined, { roles: ['viewer'] })
  hasura = await startHasura({ jwt: { jwkUrl: realm.jwksUrl, issuer: realm.issuer }, requireRoleHeader: true })
})
afterAll(async () => {
  await hasura[Symbol.asyncDispose]()
  await realm.remove()
})

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hasura-sync-worker-doctor-'))
  const secretFile = join(folder, 'secret')
  await writeFile(secretFile, realm.clientSecret, { mode: 0o600 })
  env = {
    OIDC_ISSUER: realm.issuer,
    CLIENT_ID: realm.clientId,
    CLIENT_SECRET_FILE: secretFile,
    HASURA_URL: hasura.url,
    DATA_DIR: join(folder, 'data'),
  }
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const createKey = () => generateKeyPairSync('rsa', { modulusLength: 2048 })
const list = z.array(z.looseObject({ id: z.string(), name: z.string().optional() }))
const loose = z.looseObject({})

/** What a mapper of the `hasura` scope is changed to; returns what mends it. */
async function changeMapper(
  claim: string,
  config: Record<string, string> | undefined,
): Promise<() => Promise<unknown>> {
  const { admin, name } = realm
  const scopes = await admin.get(`/${name}/client-scopes`, list)
  const scope = scopes.find(each => each.name === 'hasura')?.id
  const path = `/${name}/client-scopes/${scope}/protocol-mappers/models`
  const mappers = await admin.get(path, z.array(z.looseObject({ id: z.string(), name: z.string(), config: loose })))
  const mapper = mappers.find(each => each.name === claim)
  if (!mapper) throw new Error(`the scope has no mapper ${claim}`)
  if (!config) {
    await admin.delete(`${path}/${mapper.id}`)
    return () => admin.post(path, mapper)
  }
  await admin.put(`${path}/${mapper.id}`, { ...mapper, config: { ...mapper.config, ...config } })
  return () => admin.put(`${path}/${mapper.id}`, mapper)
}

async function changeUser(change: object): Promise<() => Promise<unknown>> {
  const path = `/${realm.name}/users/${realm.subject}`
  const user = await realm.admin.get(path, loose)
  await realm.admin.put(path, { ...user, ...change })
  return () => realm.admin.put(path, user)
}

/** A client of its own, which nothing has to be mended of. */
async function useClient(clientId: string, change: Parameters<typeof createKeycloakClient>[2]): Promise<void> {
  await createKeycloakClient(realm, clientId, { secret: 'of-its-own', ...change })
  await writeFile(join(folder, 'own'), 'of-its-own', { mode: 0o600 })
  env = { ...env, CLIENT_ID: clientId, CLIENT_SECRET_FILE: join(folder, 'own') }
}

interface Fault {
  readonly what: string
  /** @returns what mends it */
  make(): Promise<unknown>
  mend?(): Promise<unknown>
  readonly id: CheckId
  readonly status: 'fail' | 'warn'
  readonly detail: RegExp
  readonly hint: RegExp
  readonly code: 0 | 1 | 3
}

const faults: readonly Fault[] = [
  {
    what: 'a wrong secret',
    make: () => writeFile(join(folder, 'secret'), 'wrong'),
    id: 'client-auth',
    status: 'fail',
    detail: /unauthorized_client/,
    hint: /Clients → sync-worker → Credentials, because it is wrong, was rotated, or has expired/,
    code: 3,
  },
  {
    what: 'a client that is unknown',
    make: async () => {
      env = { ...env, CLIENT_ID: 'nobody' }
    },
    id: 'client-auth',
    status: 'fail',
    detail: /invalid_client/,
    hint: /CLIENT_ID and the realm, that the client is enabled \(Clients → nobody\)/,
    code: 3,
  },
  {
    what: 'a client that is disabled',
    make: () => realm.setEnabled(false),
    mend: () => realm.setEnabled(true),
    id: 'client-auth',
    status: 'fail',
    detail: /invalid_client/,
    hint: /is enabled \(Clients → sync-worker\)/,
    code: 3,
  },
  {
    what: 'service accounts switched off',
    make: () => useClient('no-service-account', { serviceAccountsEnabled: false }),
    id: 'client-auth',
    status: 'fail',
    detail: /not enabled to retrieve service account/,
    hint: /Service account roles under Clients → no-service-account → Settings/,
    code: 3,
  },
  {
    what: 'a secret where a signed assertion is wanted',
    make: () => useClient('signs', { clientAuthenticatorType: 'client-jwt' }),
    id: 'client-auth',
    status: 'fail',
    detail: /client_assertion|unauthorized_client|invalid_client/,
    hint: /CLIENT_AUTH/,
    code: 3,
  },
  {
    what: 'an assertion signed with a key that Keycloak does not have',
    make: async () => {
      await useClient('other-key', { clientAuthenticatorType: 'client-jwt' })
      const { privateKey } = createKey()
      const keyFile = join(folder, 'key.pem')
      await writeFile(keyFile, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 })
      env = { ...env, CLIENT_AUTH: 'private_key_jwt', CLIENT_KEY_FILE: keyFile, CLIENT_SECRET_FILE: '' }
    },
    id: 'client-auth',
    status: 'fail',
    detail: /refused client "other-key"/,
    hint: /Clients → other-key → Keys/,
    code: 3,
  },
  {
    what: 'an assertion signed with another key than the one that Keycloak has',
    make: async () => {
      const jwk = { ...createKey().publicKey.export({ format: 'jwk' }), kid: 'signing', use: 'sig', alg: 'RS256' }
      await useClient('wrong-key', {
        clientAuthenticatorType: 'client-jwt',
        attributes: { 'use.jwks.string': 'true', 'jwks.string': JSON.stringify({ keys: [jwk] }) },
      })
      const keyFile = join(folder, 'key.pem')
      await writeFile(keyFile, createKey().privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 })
      env = {
        ...env,
        CLIENT_AUTH: 'private_key_jwt',
        CLIENT_KEY_FILE: keyFile,
        CLIENT_KEY_ID: 'signing',
        CLIENT_SECRET_FILE: '',
      }
    },
    id: 'client-auth',
    status: 'fail',
    detail: /refused client "wrong-key" .*the assertion's signature is wrong/,
    hint: /import the public half of .* under Clients → wrong-key → Keys.*Credentials → Signature algorithm/,
    code: 3,
  },
  {
    what: 'a scope that the client does not have',
    make: async () => {
      env = { ...env, SCOPE: 'wiki-admin' }
    },
    id: 'scope',
    status: 'fail',
    detail: /wiki-admin/,
    hint: /Clients → sync-worker → Client scopes/,
    code: 3,
  },
  {
    what: 'the hasura scope taken from the client',
    make: () => realm.setHasuraScope(false),
    mend: () => realm.setHasuraScope(true),
    id: 'claims',
    status: 'fail',
    detail: /has no claim `https:\/\/hasura\.io\/jwt\/claims`/,
    hint: /^make the `hasura` client scope a default scope .*Clients → sync-worker → Client scopes/,
    code: 3,
  },
  {
    what: 'no role',
    make: () => realm.revokeRole('viewer'),
    mend: () => realm.grantRole('viewer'),
    id: 'allowed-roles',
    status: 'fail',
    detail: /no `x-hasura-allowed-roles`|no role/,
    hint: /Clients → sync-worker → Service account roles/,
    code: 3,
  },
  {
    what: 'another role than the jobs need',
    make: async () => {
      await realm.grantRole('editor')
      await realm.revokeRole('viewer')
      return changeMapper('x-hasura-default-role', { 'claim.value': 'editor' })
    },
    mend: async () => {
      await realm.grantRole('viewer')
      await realm.revokeRole('editor')
    },
    id: 'job-roles',
    status: 'fail',
    detail: /Role "viewer" is not in the token's allowed roles \(editor\)/,
    hint: /in client "phonemos-hasura"/,
    code: 3,
  },
  {
    what: 'a role of another client than the application',
    make: async () => {
      const { admin, name, subject } = realm
      await realm.revokeRole('viewer')
      const [other] = await admin.get(`/${name}/clients?clientId=${WORKER_API.audience}`, list)
      const role = await admin.get(`/${name}/clients/${other?.id}/roles/${WORKER_API.role}`, loose)
      const path = `/${name}/users/${subject}/role-mappings/clients/${other?.id}`
      await admin.post(path, [role])
      return () => admin.delete(path, [role])
    },
    mend: () => realm.grantRole('viewer'),
    id: 'allowed-roles',
    status: 'fail',
    detail: /has roles of client "hasura-sync-worker" \(request-jobs\): either these belong to a client other than/,
    hint: /assign a role of the application's client under Clients → sync-worker → Service account roles/,
    code: 3,
  },
  {
    what: 'a mapper that reads the roles of another client',
    make: () => changeMapper('x-hasura-allowed-roles', { 'usermodel.clientRoleMapping.clientId': 'account-console' }),
    id: 'allowed-roles',
    status: 'fail',
    detail: /has roles of client "phonemos-hasura" \(viewer\): either/,
    hint: /Client ID in Client scopes → hasura → Mappers → x-hasura-allowed-roles/,
    code: 3,
  },
  {
    what: 'a mapper of roles that is not multivalued',
    make: () => changeMapper('x-hasura-allowed-roles', { multivalued: 'false' }),
    id: 'allowed-roles',
    status: 'fail',
    detail: /is not a list/,
    hint: /Multivalued/,
    code: 3,
  },
  {
    what: 'a default role that is not among the allowed',
    make: () => changeMapper('x-hasura-default-role', { 'claim.value': 'manager' }),
    id: 'default-role',
    status: 'fail',
    detail: /is "manager", which is not among the allowed roles viewer/,
    hint: /Mappers → x-hasura-default-role/,
    code: 3,
  },
  {
    what: 'no mapper of the default role',
    make: () => changeMapper('x-hasura-default-role', undefined),
    id: 'default-role',
    status: 'fail',
    detail: /no `x-hasura-default-role`/,
    hint: /Mappers → x-hasura-default-role/,
    code: 3,
  },
  {
    what: 'no mapper of the user id',
    make: () => changeMapper('x-hasura-user-id', undefined),
    id: 'user-id',
    status: 'fail',
    detail: /x-hasura-user-id is not in the claims/,
    hint: /User Property "id"/,
    code: 3,
  },
  {
    what: 'an email that is not verified',
    make: () => changeUser({ emailVerified: false }),
    id: 'email',
    status: 'warn',
    detail: /not verified/,
    hint: /Clients → sync-worker → Service account roles → service-account-sync-worker → Details/,
    code: 0,
  },
  {
    what: 'an audience that Hasura refuses',
    make: async () => {
      hasura.setJwt({ jwkUrl: realm.jwksUrl, issuer: realm.issuer, audience: 'somebody-else' })
    },
    mend: async () => hasura.setJwt({ jwkUrl: realm.jwksUrl, issuer: realm.issuer }),
    id: 'hasura',
    status: 'fail',
    detail: /the token has the issuer http\S+ and the audience phonemos-hasura/,
    hint: /Add mapper → Audience/,
    code: 1,
  },
  {
    what: 'roles that no job needs, also of the realm itself',
    make: async () => {
      const { admin, name, subject } = realm
      await realm.grantRole('manager')
      const [management] = await admin.get(`/${name}/clients?clientId=realm-management`, list)
      const role = await admin.get(`/${name}/clients/${management?.id}/roles/view-events`, loose)
      const path = `/${name}/users/${subject}/role-mappings/clients/${management?.id}`
      await admin.post(path, [role])
      return () => admin.delete(path, [role])
    },
    mend: () => realm.revokeRole('manager'),
    id: 'job-roles',
    status: 'warn',
    detail: /no job needs manager, view-events of client "realm-management"$/,
    hint: /Clients → sync-worker → Service account roles/,
    code: 0,
  },
]

describe('against a real Keycloak', () => {
  test('an account that is well fails nothing, and least privilege has nothing to say', async () => {
    const { code, diagnoses } = await runDoctor(env)
    expect(code).toBe(0)
    expect(diagnoses[0]?.checks.filter(({ status }) => status === 'warn').map(({ id }) => id)).toEqual([
      'first-login',
      'queue',
      'store',
    ])
  })

  test.each(faults)('names $what', async ({ make, mend, id, status, detail, hint, code }) => {
    const undo = await make()
    try {
      const run = await runDoctor(env)
      const found = run.find(id)
      expect(found).toMatchObject({ status })
      expect(found.detail).toMatch(detail)
      expect(found.hint).toMatch(hint)
      expect({ code: run.code, failed: run.failed }).toEqual({ code, failed: status === 'fail' ? [id] : [] })
      expect(run.written).not.toContain(realm.clientSecret)
    } finally {
      if (typeof undo === 'function') await undo()
      await mend?.()
    }
  })
})
