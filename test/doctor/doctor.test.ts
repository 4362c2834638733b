import { randomUUID } from 'node:crypto'
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { type CheckId, checkIds } from '../../src/doctor/check.ts'
import { openHome } from '../cli/run-command.ts'
import type { Sandbox } from '../fixtures/open-sandbox.ts'
import { sandboxTest } from '../fixtures/sandbox-test.ts'
import { startPersium } from '../sandbox/persium/start-persium.ts'
import { startRestServer } from '../sandbox/rest/rest-server.ts'
import { findFreePort } from '../services/free-port.ts'
import { runDoctor } from './run-doctor.ts'

const namespace = 'https://hasura.io/jwt/claims'

/** An account that is well, and an administrator who changes one thing of its client. */
interface CheckedAccount {
  readonly sandbox: Sandbox
  readonly clientId: string
  readonly home: Pick<Awaited<ReturnType<typeof openHome>>, 'secretFile' | 'env'>
  changeClient(change: object): void
  changeClaims(change: (claims: Record<string, unknown>) => Record<string, unknown>): void
}

const test = sandboxTest
  .extend('clientId', () => `doctor-${randomUUID().slice(0, 8)}`)
  .extend('home', async ({ sandbox, clientId }, { onCleanup }) => {
    const home = await openHome(sandbox, clientId)
    onCleanup(() => home[Symbol.asyncDispose]())
    await writeFile(home.secretFile, `secret-of-${clientId}`)
    await chmod(home.secretFile, 0o600)
    // There is no database yet, so none has to be opened.
    return { ...home, env: { ...home.env, DATA_DIR: join(home.folder, 'not-there-yet') } }
  })
  .extend('checked', ({ sandbox, clientId, home }, { onCleanup }): CheckedAccount => {
    const { idp, hasura } = sandbox
    onCleanup(() => {
      idp.clearFaults()
      hasura.clearFaults()
      hasura.setJwt({ jwkUrl: idp.jwksUrl, issuer: idp.issuer })
    })
    const well = { clientId, clientSecret: `secret-of-${clientId}`, roles: ['viewer'], email: 'a@wiki.example' }
    return {
      sandbox,
      clientId,
      home,
      changeClient: change => idp.addClient({ ...well, ...change }),
      changeClaims: change =>
        idp.setClaims(clientId, payload => ({
          ...payload,
          [namespace]: change({ ...(payload[namespace] as object) }),
        })),
    }
  })
  .extend('persium', async ({ sandbox: { idp }, clientId }, { onCleanup }) => {
    const persium = await startPersium({
      issuer: { issuer: idp.issuer, jwksUrl: idp.jwksUrl },
      clients: [{ clientId, organisationUuid: 'o', label: 'l' }],
    })
    onCleanup(() => persium[Symbol.asyncDispose]())
    return persium
  })
  .extend('restEnv', ({ home, persium }) => ({ ...home.env, HASURA_URL: '', API_BASE_URL: persium.baseUrl }))

function mapClaims(path: string, defaultRole = 'viewer'): Record<string, string> {
  const map = { 'x-hasura-allowed-roles': { path }, 'x-hasura-default-role': defaultRole }
  return { HASURA_CLAIMS_MAP: JSON.stringify(map) }
}

test('an account that is well has every check in its place, and ends with 0', async ({ home }) => {
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
  make?(checked: CheckedAccount): unknown
  /** What of the environment is otherwise. */
  env?(checked: CheckedAccount): Promise<Record<string, string>> | Record<string, string>
  readonly id: CheckId
  readonly status: 'fail' | 'warn'
  readonly detail: RegExp
  readonly hint: RegExp
  readonly code: 0 | 1 | 2 | 3
}

const faults: readonly Fault[] = [
  {
    what: 'a wrong secret',
    make: ({ home }) => writeFile(home.secretFile, 'wrong'),
    id: 'client-auth',
    status: 'fail',
    detail: /refused client "doctor-\w+" .*unauthorized_client/,
    hint: /Clients → doctor-\w+ → Credentials, because it is wrong, was rotated, or has expired/,
    code: 3,
  },
  {
    what: 'a client that is unknown or disabled, which look the same',
    make: ({ sandbox, clientId }) => sandbox.idp.setEnabled(clientId, false),
    id: 'client-auth',
    status: 'fail',
    detail: /invalid_client/,
    hint: /the client is enabled \(Clients → doctor-\w+\)/,
    code: 3,
  },
  {
    what: 'service accounts switched off',
    make: ({ changeClient }) => changeClient({ serviceAccount: false }),
    id: 'client-auth',
    status: 'fail',
    detail: /not enabled to retrieve service account/,
    hint: /Service account roles under Clients → doctor-\w+ → Settings → Capability config/,
    code: 3,
  },
  {
    what: 'a secret file that is not there',
    env: () => ({ CLIENT_SECRET_FILE: '/nowhere/secret' }),
    id: 'client-auth',
    status: 'fail',
    detail: /secret file \/nowhere\/secret .* can't be read, because it, .* does not exist \(ENOENT\)/,
    hint: /^correct the path$/,
    code: 3,
  },
  {
    what: 'a key file that holds none',
    env: ({ home }) => ({ CLIENT_AUTH: 'private_key_jwt', CLIENT_KEY_FILE: home.secretFile, CLIENT_SECRET_FILE: '' }),
    id: 'client-auth',
    status: 'fail',
    detail: /The key file \S+ of client "doctor-\w+" holds no private key/,
    hint: /PEM/,
    code: 3,
  },
  {
    what: 'a scope that is refused',
    env: () => ({ SCOPE: 'wiki-admin' }),
    id: 'scope',
    status: 'fail',
    detail: /refused the scopes "wiki-admin".*invalid_scope/,
    hint: /Clients → doctor-\w+ → Client scopes/,
    code: 3,
  },
  {
    what: 'a scope that is left out of what is granted',
    make: ({ sandbox }) =>
      sandbox.idp.fault('token', { kind: 'rewrite', rewrite: body => ({ ...body, scope: 'profile' }) }),
    env: () => ({ SCOPE: 'email' }),
    id: 'scope',
    status: 'fail',
    detail: /did not grant client "doctor-\w+" the scope "email"/,
    hint: /Include in token scope/,
    code: 3,
  },
  {
    what: 'a scope that no job needs',
    make: ({ changeClient }) => changeClient({ scopes: ['files'] }),
    env: () => ({ SCOPE: 'files' }),
    id: 'scope',
    status: 'warn',
    detail: /granted: files; no job needs files/,
    hint: /remove it from SCOPE/,
    code: 0,
  },
  {
    what: 'the hasura scope missing though roles are assigned',
    make: ({ changeClient }) => changeClient({ hasuraScope: false }),
    id: 'claims',
    status: 'fail',
    detail: /has no claim `https:\/\/hasura\.io\/jwt\/claims`/,
    hint: /^make the `hasura` client scope a default scope of the client \(Clients → doctor-\w+ → Client scopes\)/,
    code: 3,
  },
  {
    what: 'a token that is no JWT',
    make: ({ sandbox }) => {
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
    make: ({ sandbox }) => {
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
    make: ({ changeClient }) => changeClient({ roles: [], defaultRole: 'viewer' }),
    id: 'allowed-roles',
    status: 'fail',
    detail: /no role is assigned|no `x-hasura-allowed-roles`/,
    hint: /Clients → doctor-\w+ → Service account roles/,
    code: 3,
  },
  {
    what: 'roles of another client, or no mapper for them',
    make: ({ changeClaims }) => changeClaims(({ 'x-hasura-allowed-roles': _roles, ...claims }) => claims),
    id: 'allowed-roles',
    status: 'fail',
    detail:
      /has roles of client "phonemos-hasura" \(viewer\): either .* a client other than .*, or the mapper is missing/,
    hint: /Client scopes → hasura → Mappers → x-hasura-allowed-roles/,
    code: 3,
  },
  {
    what: 'no client roles in the token at all',
    make: ({ sandbox, clientId }) =>
      sandbox.idp.setClaims(clientId, ({ resource_access: _roles, ...payload }) => ({
        ...payload,
        [namespace]: { 'x-hasura-user-id': 'x' },
      })),
    id: 'allowed-roles',
    status: 'fail',
    detail:
      /either no role is assigned, the application's client is disabled, or the client lacks the scope that adds them/,
    hint: /default scope "roles"/,
    code: 3,
  },
  {
    what: 'a mapper of roles that writes one text',
    make: ({ changeClaims }) => changeClaims(claims => ({ ...claims, 'x-hasura-allowed-roles': 'viewer' })),
    id: 'allowed-roles',
    status: 'fail',
    detail: /is not a list/,
    hint: /Multivalued/,
    code: 3,
  },
  {
    what: 'a default role that is not among the allowed',
    make: ({ changeClient }) => changeClient({ defaultRole: 'manager' }),
    id: 'default-role',
    status: 'fail',
    detail: /is "manager", which is not among the allowed roles viewer/,
    hint: /Client scopes → hasura → Mappers → x-hasura-default-role/,
    code: 3,
  },
  {
    what: 'no mapper of the default role',
    make: ({ changeClaims }) => changeClaims(({ 'x-hasura-default-role': _role, ...claims }) => claims),
    id: 'default-role',
    status: 'fail',
    detail: /no `x-hasura-default-role`/,
    hint: /Client scopes → hasura → Mappers → x-hasura-default-role/,
    code: 3,
  },
  {
    what: 'no mapper of the user id',
    make: ({ changeClaims }) => changeClaims(({ 'x-hasura-user-id': _id, ...claims }) => claims),
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
    what: 'a map whose default role the client lacks',
    env: () => mapClaims('$.resource_access.phonemos-hasura.roles', 'emperor'),
    id: 'default-role',
    status: 'fail',
    detail: /is "emperor", which is not among the allowed roles/,
    hint: /^assign that role .*, or change the default role, in Hasura's claims_map and in HASURA_CLAIMS_MAP$/,
    code: 3,
  },
  {
    what: "claims that Hasura's configuration doesn't find",
    env: () => ({
      HASURA_CLAIMS_MAP:
        '{"x-hasura-allowed-roles": ["viewer"], "x-hasura-default-role": "viewer", "x-hasura-user-id": {"path": "$.sub"}}',
    }),
    make: ({ sandbox }) => sandbox.hasura.setJwt({ jwkUrl: sandbox.idp.jwksUrl, claimsNamespace: 'elsewhere' }),
    id: 'hasura',
    status: 'fail',
    detail: /jwt-invalid-claims/,
    hint: /^copy claims_namespace, .* of HASURA_GRAPHQL_JWT_SECRET into HASURA_CLAIMS_/,
    code: 1,
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
    make: ({ changeClaims }) => changeClaims(claims => ({ ...claims, 'x-hasura-user-id': 42 })),
    id: 'claims',
    status: 'fail',
    detail: /`x-hasura-user-id` of client "doctor-\w+" is not text/,
    hint: /claim type of its mapper to String/,
    code: 3,
  },
  {
    what: 'an email that is missing',
    make: ({ changeClient }) => changeClient({ email: undefined }),
    id: 'email',
    status: 'warn',
    detail: /has no email/,
    hint: /Clients → doctor-\w+ → Service account roles → service-account-doctor-\w+ → Details.*default scope "email"/,
    code: 0,
  },
  {
    what: 'an email that is not verified',
    make: ({ changeClient }) => changeClient({ emailVerified: false }),
    id: 'email',
    status: 'warn',
    detail: /not verified/,
    hint: /Email verified/,
    code: 0,
  },
  {
    what: 'another role than the jobs need',
    make: ({ changeClient }) => changeClient({ roles: ['editor'] }),
    id: 'job-roles',
    status: 'fail',
    detail: /Role "viewer" is not in the token's allowed roles \(editor\)/,
    hint: /assign it to the service account in client "phonemos-hasura"/,
    code: 3,
  },
  {
    what: 'roles that no job needs',
    make: ({ sandbox, clientId, changeClient }) => {
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
    make: ({ sandbox }) => sandbox.hasura.setJwt({ jwkUrl: sandbox.idp.jwksUrl, issuer: 'https://other.example' }),
    id: 'hasura',
    status: 'fail',
    detail:
      /rejected a fresh token as well \(.*JWTNotInIssuer\); the token has the issuer http:\/\/127\.0\.0\.1:\d+\/realms\/sandbox and the audience phonemos-hasura, account/,
    hint: /HASURA_GRAPHQL_JWT_SECRET.*Add mapper → Audience/,
    code: 1,
  },
  {
    what: 'an audience that Hasura refuses',
    make: ({ sandbox }) =>
      sandbox.hasura.setJwt({ jwkUrl: sandbox.idp.jwksUrl, issuer: sandbox.idp.issuer, audience: 'somebody-else' }),
    id: 'hasura',
    status: 'fail',
    detail: /JWTNotInAudience\); the token has .* the audience phonemos-hasura/,
    hint: /Add mapper → Audience/,
    code: 1,
  },
  {
    what: 'an endpoint that is a page',
    make: ({ sandbox }) => sandbox.hasura.fault({}, { kind: 'html' }),
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
    make: ({ sandbox }) =>
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
    what: 'a limit of depth that the introspection exceeds',
    make: ({ sandbox }) =>
      sandbox.hasura.fault(
        { operationName: 'IntrospectionQuery' },
        { kind: 'graphql-error', code: 'depth-limit-exceeded', message: 'it is too deep' },
      ),
    id: 'contract',
    status: 'warn',
    detail: /^role "viewer" could not be introspected \(depth-limit-exceeded\)/,
    hint: /raise the limit of the role/,
    code: 0,
  },
  {
    what: 'a realm that is not there',
    env: ({ sandbox }) => ({ OIDC_ISSUER: sandbox.idp.issuer.replace('sandbox', 'wiki') }),
    id: 'token-endpoint',
    status: 'fail',
    detail: /HTTP 404/,
    hint: /with the list under Manage realms/,
    code: 1,
  },
  {
    what: 'a token endpoint that is a page',
    make: ({ sandbox }) => sandbox.idp.fault('token', { kind: 'html' }),
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
    make: ({ sandbox }) =>
      sandbox.idp.fault('token', { kind: 'rewrite', rewrite: body => ({ ...body, expires_in: 10 }) }),
    id: 'token-lifetime',
    status: 'warn',
    detail: /a token lives 10 s/,
    hint: /Access Token Lifespan/,
    code: 0,
  },
  {
    what: 'a secret in quotation marks',
    make: ({ home, changeClient }) => {
      changeClient({ clientSecret: '"canary"' })
      return writeFile(home.secretFile, '"canary"')
    },
    id: 'config',
    status: 'warn',
    detail: /the secret file \S+ is enclosed in quotation marks, which counts as a part of the secret/,
    hint: /write only the secret/,
    code: 0,
  },
  {
    what: 'a secret file with a line break',
    make: ({ clientId, home }) => writeFile(home.secretFile, `secret-of-${clientId}\r\n`),
    id: 'config',
    status: 'warn',
    detail: /white space around its value, such as a trailing line break/,
    hint: /printf %s/,
    code: 0,
  },
  {
    what: 'a secret file that everybody may read',
    make: ({ home }) => chmod(home.secretFile, 0o644),
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
    what: 'a variable whose name is misspelt',
    env: () => ({ DATABASE_ULR: 'postgres://worker@db/app' }),
    id: 'config',
    status: 'warn',
    detail: /DATABASE_ULR is set, but the worker itself reads no variable of that name/,
    hint: /if DATABASE_URL was meant, rename it/,
    code: 0,
  },
  {
    what: 'an authority whose file is not there',
    env: () => ({ NODE_EXTRA_CA_CERTS: '/not/mounted.pem' }),
    id: 'config',
    status: 'warn',
    detail: /NODE_EXTRA_CA_CERTS names \/not\/mounted\.pem, which can't be read/,
    hint: /correct the path/,
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
    hint: /set an https address/,
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
  test.for(faults)('$what', async ({ make, env, id, status, detail, hint, code }, { clientId, home, checked }) => {
    await make?.(checked)
    const run = await runDoctor({ ...home.env, ...(await env?.(checked)) })
    const found = run.find(id)
    expect(found).toMatchObject({ status })
    expect(found.detail).toMatch(detail)
    expect(found.hint).toMatch(hint)
    expect({ code: run.code, failed: run.failed }).toEqual({ code, failed: status === 'fail' ? [id] : [] })
    expect(run.written).not.toContain(`secret-of-${clientId}`)
  })

  test.for([3_600_000, -3_600_000])('a clock that is %d ms from the identity provider', async (aheadMs, { home }) => {
    const { find } = await runDoctor(home.env, { aheadMs })
    expect(find('token-lifetime').detail).toMatch(
      aheadMs > 0 ? /clock is 36\d\d s behind this machine's/ : /clock is 3[56]\d\d s ahead of this machine's/,
    )
    expect(find('token-lifetime')).toMatchObject({ status: 'warn', hint: expect.stringContaining('NTP') })
  })
})

describe('the REST API of an account without Hasura', () => {
  test('is asked who the client is', async ({ persium, restEnv }) => {
    const { code, find } = await runDoctor(restEnv)
    expect(find('api')).toMatchObject({ status: 'ok', detail: expect.stringContaining('GET /me') })
    for (const id of ['hasura', 'first-login', 'contract', 'default-role', 'email'] as const) {
      expect(find(id)).toMatchObject({ status: 'skip' })
    }
    expect(code).toBe(0)
    expect(persium.requests.map(({ method, path }) => `${method} ${path}`)).toEqual(['GET /me'])
  })

  test('refuses /me to a client that it has disabled', async ({ clientId, persium, restEnv }) => {
    persium.setEnabled(clientId, false)
    const { code, find, failed } = await runDoctor(restEnv)
    expect(find('api')).toMatchObject({
      status: 'fail',
      detail: 'the API refuses the client (GET /me: HTTP 403)',
      hint: expect.stringContaining('registered and enabled'),
    })
    expect({ code, failed }).toEqual({ code: 1, failed: ['api'] })
  })

  test('rejects the token itself', async ({ persium, restEnv }) => {
    persium.fault({ kind: 'status', status: 401 })
    const { code, find } = await runDoctor(restEnv)
    expect(find('api')).toMatchObject({ status: 'fail', detail: expect.stringContaining('rejected a fresh token') })
    expect(code).toBe(1)
  })

  test('is not there', async ({ restEnv }) => {
    const { code, find, failed } = await runDoctor({
      ...restEnv,
      API_BASE_URL: `http://127.0.0.1:${await findFreePort()}/api`,
    })
    expect(find('api')).toMatchObject({
      status: 'fail',
      detail: expect.stringMatching(/^GET \/me got no response, the connection was refused/),
      hint: 'check that the API is running, and the path and API_BASE_URL',
    })
    expect({ code, failed }).toEqual({ code: 1, failed: ['api'] })
  })

  test('responds only at its base, perhaps without checking the token', async ({ restEnv }) => {
    const reply = (status: number) => ({ status, body: {} })
    await using api = await startRestServer({
      basePath: '/realms/acme',
      notFound: () => reply(404),
      answer: async ({ path }) => reply(path === '/' ? 200 : 404),
    })
    const { code, find } = await runDoctor({ ...restEnv, API_BASE_URL: api.baseUrl })
    expect(find('api')).toMatchObject({
      status: 'ok',
      detail: `${api.baseUrl} answers (GET /), perhaps without checking the token; a run shows whether it accepts it`,
    })
    expect(code).toBe(0)
  })

  test('has neither /me nor a base, and answers all the same', async ({ persium, restEnv }) => {
    persium.fault({ kind: 'status', status: 404 })
    const { code, find } = await runDoctor(restEnv)
    expect(find('api')).toMatchObject({ status: 'warn', detail: expect.stringContaining('answers HTTP 404 for both') })
    expect(code).toBe(0)
  })
})
