import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type CheckId, checkIds } from '../../src/doctor/check.ts'
import { openHome } from '../cli/run-command.ts'
import { openSandbox, type Sandbox } from '../fixtures/open-sandbox.ts'
import { type Persium, startPersium } from '../sandbox/persium/start-persium.ts'
import { startRestServer } from '../sandbox/rest/rest-server.ts'
import { findFreePort } from '../services/free-port.ts'
import { runDoctor } from './run-doctor.ts'

const namespace = 'https://hasura.io/jwt/claims'

let sandbox: Sandbox
beforeAll(async () => {
  sandbox = await openSandbox()
})
afterAll(() => sandbox[Symbol.asyncDispose]())
afterEach(() => {
  sandbox.idp.clearFaults()
  sandbox.hasura.clearFaults()
  sandbox.hasura.setJwt({ jwkUrl: sandbox.idp.jwksUrl, issuer: sandbox.idp.issuer })
})

let made = 0
let home: Awaited<ReturnType<typeof openHome>>
let clientId: string
beforeEach(async () => {
  made += 1
  clientId = `doctor-${made}`
  const opened = await openHome(sandbox, clientId)
  // There is no database yet, so none has to be opened.
  home = { ...opened, env: { ...opened.env, DATA_DIR: join(opened.folder, 'not-there-yet') } }
  await writeFile(home.secretFile, `secret-of-${clientId}`)
  await chmod(home.secretFile, 0o600)
})
afterEach(() => home[Symbol.asyncDispose]())

/** As an administrator who changes one thing of a client that is well. */
function changeClient(change: object): void {
  const well = { clientId, clientSecret: `secret-of-${clientId}`, roles: ['viewer'], email: 'a@wiki.example' }
  sandbox.idp.addClient({ ...well, ...change })
}

function changeClaims(change: (claims: Record<string, unknown>) => Record<string, unknown>): void {
  sandbox.idp.setClaims(clientId, payload => ({
    ...payload,
    [namespace]: change({ ...(payload[namespace] as object) }),
  }))
}

function mapClaims(path: string): Record<string, string> {
  const map = { 'x-hasura-allowed-roles': { path }, 'x-hasura-default-role': 'viewer' }
  return { HASURA_CLAIMS_MAP: JSON.stringify(map) }
}

test('an account that is well has every check in its place, and ends with 0', async () => {
  const { code, diagnoses, find } = await runDoctor(home.env)
  expect(code).toBe(0)
  expect(diagnoses.map(({ account, ok }) => ({ account, ok }))).toEqual([{ account: 'default', ok: true }])
  expect(diagnoses[0]?.checks.map(check => check.id)).toEqual(checkIds)
  const other = diagnoses[0]?.checks.filter(check => check.status !== 'ok').map(check => `${check.id} ${check.status}`)
  expect(other).toEqual(['first-login warn', 'live skip', 'api skip', 'queue warn', 'store warn'])
  expect(find('first-login').hint).toContain('run "npm run -s cli -- bootstrap"')
})

interface Fault {
  readonly what: string
  make?(): unknown
  /** What of the environment is otherwise. */
  env?(): Promise<Record<string, string>> | Record<string, string>
  readonly id: CheckId
  readonly status: 'fail' | 'warn'
  readonly detail: RegExp
  readonly hint: RegExp
  readonly code: 0 | 1 | 2 | 3
}

const faults: readonly Fault[] = [
  {
    what: 'a wrong secret',
    make: () => writeFile(home.secretFile, 'wrong'),
    id: 'client-auth',
    status: 'fail',
    detail: /refused client "doctor-\d+" .*unauthorized_client/,
    hint: /Clients → doctor-\d+ → Credentials, because it is wrong, was rotated, or has expired/,
    code: 3,
  },
  {
    what: 'a client that is unknown or disabled, which look the same',
    make: () => sandbox.idp.setEnabled(clientId, false),
    id: 'client-auth',
    status: 'fail',
    detail: /invalid_client/,
    hint: /the client is enabled \(Clients → doctor-\d+\)/,
    code: 3,
  },
  {
    what: 'service accounts switched off',
    make: () => changeClient({ serviceAccount: false }),
    id: 'client-auth',
    status: 'fail',
    detail: /not enabled to retrieve service account/,
    hint: /Service account roles under Clients → doctor-\d+ → Settings → Capability config/,
    code: 3,
  },
  {
    what: 'a secret file that is not there',
    env: () => ({ CLIENT_SECRET_FILE: '/nowhere/secret' }),
    id: 'client-auth',
    status: 'fail',
    detail: /secret file \/nowhere\/secret .* can't be read \(ENOENT\)/,
    hint: /check that it exists/,
    code: 3,
  },
  {
    what: 'a key file that holds none',
    env: () => ({ CLIENT_AUTH: 'private_key_jwt', CLIENT_KEY_FILE: home.secretFile, CLIENT_SECRET_FILE: '' }),
    id: 'client-auth',
    status: 'fail',
    detail: /The key file \S+ of client "doctor-\d+" holds no private key/,
    hint: /PEM/,
    code: 3,
  },
  {
    what: 'a scope that is refused',
    env: () => ({ SCOPE: 'wiki-admin' }),
    id: 'scope',
    status: 'fail',
    detail: /refused the scopes "wiki-admin".*invalid_scope/,
    hint: /Clients → doctor-\d+ → Client scopes/,
    code: 3,
  },
  {
    what: 'a scope that is left out of what is granted',
    make: () => sandbox.idp.fault('token', { kind: 'rewrite', rewrite: body => ({ ...body, scope: 'profile' }) }),
    env: () => ({ SCOPE: 'email' }),
    id: 'scope',
    status: 'fail',
    detail: /did not grant client "doctor-\d+" the scope "email"/,
    hint: /Include in token scope/,
    code: 3,
  },
  {
    what: 'a scope that no job needs',
    make: () => changeClient({ scopes: ['files'] }),
    env: () => ({ SCOPE: 'files' }),
    id: 'scope',
    status: 'warn',
    detail: /granted: files; no job needs files/,
    hint: /remove it from SCOPE/,
    code: 0,
  },
  {
    what: 'the hasura scope missing though roles are assigned',
    make: () => changeClient({ hasuraScope: false }),
    id: 'claims',
    status: 'fail',
    detail: /has no claim `https:\/\/hasura\.io\/jwt\/claims`/,
    hint: /^make the `hasura` client scope a default scope of the client \(Clients → doctor-\d+ → Client scopes\)/,
    code: 3,
  },
  {
    what: 'a token that is no JWT',
    make: () => {
      sandbox.idp.fault('token', { kind: 'rewrite', rewrite: body => ({ ...body, access_token: 'opaque' }) })
    },
    id: 'claims',
    status: 'fail',
    detail: /not a JWT/,
    hint: /issue JWT access tokens/,
    code: 3,
  },
  {
    what: 'a token that is too long for a header',
    make: () => {
      sandbox.idp.fault('token', {
        kind: 'rewrite',
        rewrite: body => ({ ...body, access_token: 'x'.repeat(60_000) }),
      })
    },
    id: 'claims',
    status: 'fail',
    detail: /has 60000 characters/,
    hint: /Full scope allowed/,
    code: 3,
  },
  {
    what: 'no role',
    make: () => changeClient({ roles: [], defaultRole: 'viewer' }),
    id: 'allowed-roles',
    status: 'fail',
    detail: /no role is assigned|no `x-hasura-allowed-roles`/,
    hint: /Clients → doctor-\d+ → Service account roles/,
    code: 3,
  },
  {
    what: 'roles of another client, or no mapper for them',
    make: () => changeClaims(({ 'x-hasura-allowed-roles': _roles, ...claims }) => claims),
    id: 'allowed-roles',
    status: 'fail',
    detail:
      /has roles of client "phonemos-hasura" \(viewer\): either .* a client other than .*, or the mapper is missing/,
    hint: /Client scopes → hasura → Mappers → x-hasura-allowed-roles/,
    code: 3,
  },
  {
    what: 'no client roles in the token at all',
    make: () =>
      sandbox.idp.setClaims(clientId, ({ resource_access: _roles, ...payload }) => ({
        ...payload,
        [namespace]: { 'x-hasura-user-id': 'x' },
      })),
    id: 'allowed-roles',
    status: 'fail',
    detail: /either no role is assigned, or the client lacks the scope that adds them/,
    hint: /default scope "roles"/,
    code: 3,
  },
  {
    what: 'a mapper of roles that writes one text',
    make: () => changeClaims(claims => ({ ...claims, 'x-hasura-allowed-roles': 'viewer' })),
    id: 'allowed-roles',
    status: 'fail',
    detail: /is not a list/,
    hint: /Multivalued/,
    code: 3,
  },
  {
    what: 'a default role that is not among the allowed',
    make: () => changeClient({ defaultRole: 'manager' }),
    id: 'default-role',
    status: 'fail',
    detail: /is "manager", which is not among the allowed roles viewer/,
    hint: /Client scopes → hasura → Mappers → x-hasura-default-role/,
    code: 3,
  },
  {
    what: 'no mapper of the default role',
    make: () => changeClaims(({ 'x-hasura-default-role': _role, ...claims }) => claims),
    id: 'default-role',
    status: 'fail',
    detail: /no `x-hasura-default-role`/,
    hint: /Client scopes → hasura → Mappers → x-hasura-default-role/,
    code: 3,
  },
  {
    what: 'no mapper of the user id',
    make: () => changeClaims(({ 'x-hasura-user-id': _id, ...claims }) => claims),
    id: 'user-id',
    status: 'fail',
    detail: /x-hasura-user-id is not in the claims/,
    hint: /User Property "id"/,
    code: 3,
  },
  {
    what: 'a map that leaves the user id out',
    env: () => mapClaims('$.resource_access.phonemos-hasura.roles'),
    id: 'user-id',
    status: 'fail',
    detail: /x-hasura-user-id is not in the claims/,
    hint: /HASURA_CLAIMS_MAP.*\$\.sub/,
    code: 3,
  },
  {
    what: 'a map that looks for the roles where there are none',
    env: () => mapClaims('$.resource_access.nobody.roles'),
    id: 'allowed-roles',
    status: 'fail',
    detail: /no `x-hasura-allowed-roles` at \$\.resource_access\.nobody\.roles, where HASURA_CLAIMS_MAP looks/,
    hint: /^if no role is assigned, assign one .*; otherwise correct the path$/,
    code: 3,
  },
  {
    what: 'a mapper of the user id that writes a number',
    make: () => changeClaims(claims => ({ ...claims, 'x-hasura-user-id': 42 })),
    id: 'claims',
    status: 'fail',
    detail: /`x-hasura-user-id` of client "doctor-\d+" is not text/,
    hint: /claim type of its mapper to String/,
    code: 3,
  },
  {
    what: 'an email that is missing',
    make: () => changeClient({ email: undefined }),
    id: 'email',
    status: 'warn',
    detail: /has no email/,
    hint: /Clients → doctor-\d+ → Service account roles → service-account-doctor-\d+ → Details.*default scope "email"/,
    code: 0,
  },
  {
    what: 'an email that is not verified',
    make: () => changeClient({ emailVerified: false }),
    id: 'email',
    status: 'warn',
    detail: /not verified/,
    hint: /Email verified/,
    code: 0,
  },
  {
    what: 'another role than the jobs need',
    make: () => changeClient({ roles: ['editor'] }),
    id: 'job-roles',
    status: 'fail',
    detail: /Role "viewer" is not in the token's allowed roles \(editor\)/,
    hint: /assign it to the service account in client "phonemos-hasura"/,
    code: 3,
  },
  {
    what: 'roles that no job needs',
    make: () => {
      changeClient({ roles: ['viewer', 'manager'], realmRoles: ['offline_access', 'admin'] })
      sandbox.idp.setClaims(clientId, payload => ({
        ...payload,
        resource_access: {
          ...(payload.resource_access as object),
          'realm-management': { roles: ['manage-realm'] },
        },
      }))
    },
    id: 'job-roles',
    status: 'warn',
    detail: /no job needs manager, manage-realm of client "realm-management", admin of the realm$/,
    hint: /Service account roles/,
    code: 0,
  },
  {
    what: 'an issuer that Hasura refuses',
    make: () => sandbox.hasura.setJwt({ jwkUrl: sandbox.idp.jwksUrl, issuer: 'https://other.example' }),
    id: 'hasura',
    status: 'fail',
    detail:
      /rejected a fresh token as well \(.*JWTNotInIssuer\); the token has the issuer http:\/\/127\.0\.0\.1:\d+\/realms\/sandbox and the audience phonemos-hasura, account/,
    hint: /HASURA_GRAPHQL_JWT_SECRET.*Add mapper → Audience/,
    code: 1,
  },
  {
    what: 'an audience that Hasura refuses',
    make: () =>
      sandbox.hasura.setJwt({ jwkUrl: sandbox.idp.jwksUrl, issuer: sandbox.idp.issuer, audience: 'somebody-else' }),
    id: 'hasura',
    status: 'fail',
    detail: /JWTNotInAudience\); the token has .* the audience phonemos-hasura/,
    hint: /Add mapper → Audience/,
    code: 1,
  },
  {
    what: 'an endpoint that is a page',
    make: () => sandbox.hasura.fault({}, { kind: 'html' }),
    id: 'hasura',
    status: 'fail',
    detail: /a body that is not JSON \(text\/html\)/,
    hint: /check HASURA_URL, because another server/,
    code: 1,
  },
  {
    what: 'an endpoint where nobody listens',
    env: async () => ({ HASURA_URL: `http://127.0.0.1:${await findFreePort()}/v1/graphql` }),
    id: 'hasura',
    status: 'fail',
    detail: /^No response from Hasura, the connection was refused/,
    hint: /HASURA_URL/,
    code: 1,
  },
  {
    what: 'introspection switched off for the role',
    make: () =>
      sandbox.hasura.fault(
        { operationName: 'IntrospectionQuery' },
        {
          kind: 'graphql-error',
          code: 'validation-failed',
          message: "field '__schema' not found in type: 'query_root'",
        },
      ),
    id: 'contract',
    status: 'warn',
    detail: /introspection is switched off for role "viewer".*committed SDL/,
    hint: /disabled_for_roles/,
    code: 0,
  },
  {
    what: 'a realm that is not there',
    env: () => ({ OIDC_ISSUER: sandbox.idp.issuer.replace('sandbox', 'wiki') }),
    id: 'token-endpoint',
    status: 'fail',
    detail: /HTTP 404/,
    hint: /with the list under Manage realms/,
    code: 1,
  },
  {
    what: 'a token endpoint that is a page',
    make: () => sandbox.idp.fault('token', { kind: 'html' }),
    id: 'token-endpoint',
    status: 'fail',
    detail: /not JSON \(text\/html\)/,
    hint: /check OIDC_ISSUER or TOKEN_URL/,
    code: 1,
  },
  {
    what: 'http to another machine',
    env: () => ({ OIDC_ISSUER: 'http://keycloak.example/realms/wiki' }),
    id: 'client-auth',
    status: 'fail',
    detail: /is not https/,
    hint: /ALLOW_INSECURE_HOSTS=keycloak\.example/,
    code: 3,
  },
  {
    what: 'a token of a few seconds',
    make: () => sandbox.idp.fault('token', { kind: 'rewrite', rewrite: body => ({ ...body, expires_in: 10 }) }),
    id: 'token-lifetime',
    status: 'warn',
    detail: /a token lives 10 s/,
    hint: /Access Token Lifespan/,
    code: 0,
  },
  {
    what: 'a secret in quotation marks',
    make: () => {
      changeClient({ clientSecret: '"canary"' })
      return writeFile(home.secretFile, '"canary"')
    },
    id: 'config',
    status: 'warn',
    detail: /the secret file \S+ is enclosed in quotation marks, which counts as a part of the secret/,
    hint: /write the secret alone/,
    code: 0,
  },
  {
    what: 'a secret file with a line break',
    make: () => writeFile(home.secretFile, `secret-of-${clientId}\r\n`),
    id: 'config',
    status: 'warn',
    detail: /white space around its value, such as a trailing line break/,
    hint: /printf %s/,
    code: 0,
  },
  {
    what: 'a secret file that everybody may read',
    make: () => chmod(home.secretFile, 0o644),
    id: 'config',
    status: 'warn',
    detail: /can be read by every user of this machine \(mode 0644\)/,
    hint: /chmod 600 \S+\/secret/,
    code: 0,
  },
  {
    what: 'certificates that nobody checks',
    env: () => ({ NODE_TLS_REJECT_UNAUTHORIZED: '0' }),
    id: 'config',
    status: 'warn',
    detail: /NODE_TLS_REJECT_UNAUTHORIZED=0 turns off the verification/,
    hint: /unset it.*NODE_EXTRA_CA_CERTS/,
    code: 0,
  },
  {
    what: 'a Hasura that tokens would go to unencrypted',
    env: () => ({ HASURA_URL: 'http://hasura:8080/v1/graphql' }),
    id: 'config',
    status: 'fail',
    detail: /HASURA_URL http:\/\/hasura:8080\/v1\/graphql is not https/,
    hint: /ALLOW_INSECURE_HOSTS=hasura$/,
    code: 2,
  },
  {
    what: 'an API whose tokens would go unencrypted',
    env: () => ({ API_BASE_URL: 'http://api.example/v1' }),
    id: 'config',
    status: 'fail',
    detail: /API_BASE_URL http:\/\/api\.example\/v1\/? is not https/,
    hint: /give an https address/,
    code: 2,
  },
  {
    what: 'a variable that is missing',
    env: () => ({ CLIENT_ID: '' }),
    id: 'config',
    status: 'fail',
    detail: /CLIENT_ID is missing/,
    hint: /set it to the client id/,
    code: 2,
  },
]

describe('names', () => {
  test.each(faults)('$what', async ({ make, env, id, status, detail, hint, code }) => {
    await make?.()
    const run = await runDoctor({ ...home.env, ...(await env?.()) })
    const found = run.find(id)
    expect(found).toMatchObject({ status })
    expect(found.detail).toMatch(detail)
    expect(found.hint).toMatch(hint)
    expect({ code: run.code, failed: run.failed }).toEqual({ code, failed: status === 'fail' ? [id] : [] })
    expect(run.written).not.toContain(`secret-of-${clientId}`)
  })

  test.each([3_600_000, -3_600_000])('a clock that is %d ms from the identity provider', async aheadMs => {
    const { find } = await runDoctor(home.env, { aheadMs })
    expect(find('token-lifetime').detail).toMatch(
      aheadMs > 0 ? /clock is 36\d\d s behind this machine's/ : /clock is 3[56]\d\d s ahead of this machine's/,
    )
    expect(find('token-lifetime')).toMatchObject({ status: 'warn', hint: expect.stringContaining('NTP') })
  })
})

describe('the REST API of an account without Hasura', () => {
  let persium: Persium
  beforeEach(async () => {
    persium = await startPersium({
      issuer: { issuer: sandbox.idp.issuer, jwksUrl: sandbox.idp.jwksUrl },
      clients: [{ clientId, organisationUuid: 'o', label: 'l' }],
    })
  })
  afterEach(() => persium[Symbol.asyncDispose]())

  const restEnv = () => ({ ...home.env, HASURA_URL: '', API_BASE_URL: persium.baseUrl })

  test('is asked who the client is', async () => {
    const { code, find } = await runDoctor(restEnv())
    expect(find('api')).toMatchObject({ status: 'ok', detail: expect.stringContaining('GET /me') })
    for (const id of ['hasura', 'first-login', 'contract', 'default-role', 'email'] as const) {
      expect(find(id)).toMatchObject({ status: 'skip' })
    }
    expect(code).toBe(0)
    expect(persium.requests.map(({ method, path }) => `${method} ${path}`)).toEqual(['GET /me'])
  })

  test('refuses /me to a client that it has disabled', async () => {
    persium.setEnabled(clientId, false)
    const { code, find, failed } = await runDoctor(restEnv())
    expect(find('api')).toMatchObject({
      status: 'fail',
      detail: 'the API refuses the client (GET /me: HTTP 403)',
      hint: expect.stringContaining('registered and enabled'),
    })
    expect({ code, failed }).toEqual({ code: 1, failed: ['api'] })
  })

  test('rejects the token itself', async () => {
    persium.fault({ kind: 'status', status: 401 })
    const { code, find } = await runDoctor(restEnv())
    expect(find('api')).toMatchObject({ status: 'fail', detail: expect.stringContaining('rejected a fresh token') })
    expect(code).toBe(1)
  })

  test('is not there', async () => {
    const { code, find, failed } = await runDoctor({
      ...restEnv(),
      API_BASE_URL: `http://127.0.0.1:${await findFreePort()}/api`,
    })
    expect(find('api')).toMatchObject({
      status: 'fail',
      detail: expect.stringMatching(/^GET \/me got no response, the connection was refused/),
      hint: 'check that the API is running and that API_BASE_URL is correct',
    })
    expect({ code, failed }).toEqual({ code: 1, failed: ['api'] })
  })

  test('answers at its base alone, which it may do without a token as well', async () => {
    const reply = (status: number) => ({ status, body: {} })
    await using api = await startRestServer({
      basePath: '/realms/acme',
      notFound: () => reply(404),
      answer: async ({ path }) => reply(path === '/' ? 200 : 404),
    })
    const { code, find } = await runDoctor({ ...restEnv(), API_BASE_URL: api.baseUrl })
    expect(find('api')).toMatchObject({
      status: 'ok',
      detail: `${api.baseUrl} answers (GET /), perhaps without checking the token; a run shows whether it accepts it`,
    })
    expect(code).toBe(0)
  })

  test('has neither /me nor a base, and answers all the same', async () => {
    persium.fault({ kind: 'status', status: 404 })
    const { code, find } = await runDoctor(restEnv())
    expect(find('api')).toMatchObject({ status: 'warn', detail: expect.stringContaining('answers HTTP 404 for both') })
    expect(code).toBe(0)
  })
})
