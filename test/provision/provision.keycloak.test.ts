import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodeJwt } from 'jose'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { createRequestToken } from '../../src/auth/request-token.ts'
import { systemClock } from '../../src/time/clock.ts'
import { run as runCommand } from '../cli/run-command.ts'
import { type SandboxHasura, startHasura } from '../sandbox/hasura/start-hasura.ts'
import { KeycloakAdmin } from '../services/keycloak-admin.ts'
import { hasuraMappers } from '../services/keycloak-hasura-mappers.ts'
import { createRealm, type Realm } from '../services/keycloak-realm.ts'
import { getSharedKeycloak } from '../services/shared-keycloak.ts'

const keycloak = getSharedKeycloak()
const { signal } = new AbortController()
const namespace = 'https://hasura.io/jwt/claims'
const clientId = 'provisioned'

let realm: Realm
let hasura: SandboxHasura
let folder: string
let env: Record<string, string>
/** Everything that any command of this suite has written. */
let written = ''

beforeAll(async () => {
  realm = await createRealm(keycloak)
  hasura = await startHasura({ jwt: { jwkUrl: realm.jwksUrl, issuer: realm.issuer }, requireRoleHeader: true })
})
afterAll(async () => {
  await hasura[Symbol.asyncDispose]()
  await realm.remove()
})

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hasura-sync-worker-provision-'))
  await writeFile(join(folder, 'admin'), `${keycloak.adminPassword}\n`)
  env = {
    OIDC_ISSUER: realm.issuer,
    CLIENT_ID: clientId,
    CLIENT_SECRET_FILE: join(folder, 'secret'),
    HASURA_URL: hasura.url,
    DATA_DIR: join(folder, 'data'),
    KEYCLOAK_ADMIN_USERNAME: keycloak.adminName,
    KEYCLOAK_ADMIN_PASSWORD_FILE: join(folder, 'admin'),
  }
})
afterEach(() => rm(folder, { recursive: true, force: true }))

async function run(...argv: string[]) {
  return runWith(env, ...argv)
}

async function runWith(environment: Record<string, string>, ...argv: string[]) {
  const ended = await runCommand(environment, ...argv)
  written += ended.out + ended.err
  return ended
}

async function provision(...argv: string[]) {
  const ended = await run('provision', ...argv)
  expect(ended).toMatchObject({ code: 0, err: '' })
  return ended.out
}

async function claimsOf(environment = env) {
  const token = createRequestToken(
    {
      server: { issuer: realm.issuer },
      scopes: [],
      clientId,
      method: 'client_secret_basic',
      secret: { file: environment.CLIENT_SECRET_FILE ?? '' },
    },
    { clock: systemClock, readSecretFile: path => readFile(path, 'utf8') },
  )
  return decodeJwt((await token(undefined, signal)).value)
}

const list = z.array(z.looseObject({ id: z.string(), name: z.string().optional() }))
const loose = z.looseObject({ id: z.string() })

async function findClient(name = clientId) {
  const [client] = await realm.admin.get(`/${realm.name}/clients?clientId=${name}`, list)
  return client
}

async function getClient(name = clientId) {
  const client = await findClient(name)
  if (!client) throw new Error(`no client ${name}`)
  return client
}

async function changeClient(change: object): Promise<void> {
  const client = await getClient()
  await realm.admin.put(`/${realm.name}/clients/${client.id}`, { ...client, ...change })
}

async function getScope() {
  const scope = (await realm.admin.get(`/${realm.name}/client-scopes`, list)).find(({ name }) => name === 'hasura')
  if (!scope) throw new Error('no scope hasura')
  return scope
}

async function getUser() {
  const { id } = await getClient()
  return realm.admin.get(`/${realm.name}/clients/${id}/service-account-user`, loose)
}

async function changeMapper(name: string, change: (mapper: Record<string, unknown>) => object): Promise<void> {
  const { id } = await getScope()
  const path = `/${realm.name}/client-scopes/${id}/protocol-mappers/models`
  const mapper = (await realm.admin.get(path, list)).find(each => each.name === name)
  if (!mapper) throw new Error(`no mapper ${name}`)
  await realm.admin.put(`${path}/${mapper.id}`, change(mapper))
}

describe('a realm with nothing but the application client', () => {
  beforeAll(async () => {
    const { id } = await getScope()
    await realm.admin.delete(`/${realm.name}/client-scopes/${id}`)
  })

  test('is shown what would be done, and not changed', async () => {
    const out = await provision('--dry-run')
    const told = out.replaceAll(realm.name, 'REALM').replaceAll(folder, 'FOLDER')
    expect(told).toMatchInlineSnapshot(`
      "To do for account "default" (client "provisioned" of realm "REALM"):
        - create client "provisioned" with a service account and no other flow: realm "REALM" has no client "provisioned"
        - write the secret of client "provisioned" into FOLDER/secret: FOLDER/secret has no secret yet
        - create client scope "hasura": realm "REALM" has no client scope "hasura"
        - add mapper x-hasura-allowed-roles (User Client Role: phonemos-hasura): no mapper of client scope "hasura" writes x-hasura-allowed-roles
        - add mapper x-hasura-default-role (Hardcoded claim: viewer): no mapper of client scope "hasura" writes x-hasura-default-role
        - add mapper x-hasura-user-id (User Property: id): no mapper of client scope "hasura" writes x-hasura-user-id
        - make client scope "hasura" a default scope of client "provisioned": client scope "hasura" is not assigned to client "provisioned"
        - assign role "viewer" of client "phonemos-hasura" to the service account: role "viewer" of client "phonemos-hasura" is not assigned to the service account
        - set the email provisioned@service-account.invalid, and Email verified: the service account's user has no email
      "
    `)
    expect(await findClient()).toBeUndefined()
    await expect(stat(join(folder, 'secret'))).rejects.toMatchObject({ code: 'ENOENT' })
  })

  test('gets all that the account needs, once', async () => {
    const out = await provision('--group', 'phonemos', '--email', 'Sync@wiki.example')
    expect(out).toContain('Verified: all checks of doctor pass.')
    expect((await stat(join(folder, 'secret'))).mode & 0o777).toBe(0o600)
    const { id } = await getUser()
    expect(await claimsOf()).toMatchObject({
      azp: clientId,
      sub: id,
      email: 'sync@wiki.example',
      email_verified: true,
      scope: expect.stringContaining('hasura'),
      [namespace]: {
        'x-hasura-allowed-roles': expect.arrayContaining(['viewer']),
        'x-hasura-default-role': 'viewer',
        'x-hasura-user-id': id,
      },
    })
    const groups = await realm.admin.get(`/${realm.name}/users/${id}/groups`, list)
    expect(groups).toMatchObject([{ path: '/phonemos' }])
    const again = await provision('--group', '/phonemos', '--email', 'Sync@wiki.example')
    expect(again).toMatch(/^Nothing to do for account "default" \(client "provisioned" of realm .*\n.*Verified/)
    const doctor = await run('doctor', '--json')
    const [diagnosis] = z
      .array(z.object({ checks: z.array(z.looseObject({ id: z.string(), status: z.string() })) }))
      .parse(JSON.parse(doctor.out))
    expect(diagnosis?.checks.filter(({ status }) => status === 'fail')).toEqual([])
  })
})

describe('one broken thing', () => {
  beforeEach(async () => {
    await provision()
  })

  const allowedRoles = 'x-hasura-allowed-roles'

  test("keeps a mapper that adds another client's roles, and has both in the token", async () => {
    const [scope, account, user] = [await getScope(), await getClient('account'), await getUser()]
    const path = `/${realm.name}/client-scopes/${scope.id}/protocol-mappers/models`
    const mapper = (await realm.admin.get(path, list)).find(({ name }) => name === allowedRoles)
    const config = { ...z.looseObject({}).parse(mapper?.config), 'usermodel.clientRoleMapping.clientId': 'account' }
    await realm.admin.post(path, { ...mapper, id: undefined, name: 'more roles', config })
    const role = await realm.admin.get(`/${realm.name}/clients/${account.id}/roles/view-profile`, loose)
    const roles = `/${realm.name}/users/${user.id}/role-mappings/clients/${account.id}`
    await realm.admin.post(roles, [role])
    expect(await provision()).toContain('Nothing')
    expect(await claimsOf()).toMatchObject({
      [namespace]: { [allowedRoles]: expect.arrayContaining(['view-profile', 'viewer']) },
    })
    await realm.admin.delete(roles, [role])
    const added = (await realm.admin.get(path, list)).find(({ name }) => name === 'more roles')
    await realm.admin.delete(`${path}/${added?.id}`)
  })

  test('adds its own mapper to one that writes the roles of the realm, and has both in the token', async () => {
    const { id } = await getScope()
    const path = `/${realm.name}/client-scopes/${id}/protocol-mappers/models`
    const before = (await realm.admin.get(path, list)).find(({ name }) => name === allowedRoles)
    const { 'usermodel.clientRoleMapping.clientId': _client, ...config } = z.looseObject({}).parse(before?.config)
    await changeMapper(allowedRoles, mapper => ({
      ...mapper,
      protocolMapper: 'oidc-usermodel-realm-role-mapper',
      config,
    }))
    expect(await provision()).toContain('add mapper x-hasura-allowed-roles: phonemos-hasura (User Client Role')
    expect(await claimsOf()).toMatchObject({
      [namespace]: { [allowedRoles]: expect.arrayContaining(['offline_access', 'viewer']) },
    })
    expect(await provision('--dry-run')).toMatch(/^Nothing to do/)
    const added = (await realm.admin.get(path, list)).find(({ name }) => name?.startsWith(`${allowedRoles}:`))
    await realm.admin.delete(`${path}/${added?.id}`)
    await changeMapper(allowedRoles, () => ({ ...before }))
  })

  test.each<[string, () => Promise<unknown>, RegExp, RegExp]>([
    [
      'a mapper of the wrong type',
      () =>
        changeMapper(allowedRoles, mapper => ({
          ...mapper,
          protocolMapper: 'oidc-hardcoded-claim-mapper',
          config: {
            'claim.name': String.raw`https://hasura\.io/jwt/claims.x-hasura-allowed-roles`,
            'claim.value': 'viewer',
            'jsonType.label': 'String',
            'access.token.claim': 'true',
          },
        })),
      /correct mapper "x-hasura-allowed-roles" \(User Client Role: phonemos-hasura\).*is a Hardcoded claim/,
      /allowed-roles .*in Keycloak mapper "x-hasura-allowed-roles" is a Hardcoded claim, not a User Client Role/,
    ],
    [
      'a mapper that reads another client',
      () =>
        changeMapper(allowedRoles, ({ config, ...mapper }) => ({
          ...mapper,
          config: { ...z.looseObject({}).parse(config), 'usermodel.clientRoleMapping.clientId': 'account' },
        })),
      /reads the roles of client "account" instead of "phonemos-hasura"/,
      /in Keycloak mapper "x-hasura-allowed-roles" reads the roles of client "account"/,
    ],
    [
      'a mapper whose dots are levels',
      () =>
        changeMapper(allowedRoles, ({ config, ...mapper }) => ({
          ...mapper,
          config: {
            ...z.looseObject({}).parse(config),
            'claim.name': 'https://hasura.io/jwt/claims.x-hasura-allowed-roles',
          },
        })),
      /writes the claim "https:\/\/hasura\.io/,
      /in Keycloak mapper "x-hasura-allowed-roles" writes the claim/,
    ],
    [
      'a mapper that is missing',
      async () => {
        const { id } = await getScope()
        const path = `/${realm.name}/client-scopes/${id}/protocol-mappers/models`
        const mapper = (await realm.admin.get(path, list)).find(each => each.name === 'x-hasura-user-id')
        await realm.admin.delete(`${path}/${mapper?.id}`)
      },
      /add mapper x-hasura-user-id \(User Property: id\)/,
      /user-id .*in Keycloak no mapper of client scope "hasura" writes x-hasura-user-id/,
    ],
    [
      'the scope being optional',
      async () => {
        const [client, scope] = [await getClient(), await getScope()]
        await realm.admin.delete(`/${realm.name}/clients/${client.id}/default-client-scopes/${scope.id}`)
        await realm.admin.put(`/${realm.name}/clients/${client.id}/optional-client-scopes/${scope.id}`)
      },
      /make client scope "hasura" a default scope/,
      /claims .*in Keycloak client scope "hasura" is an optional one/,
    ],
    [
      'a role that is not assigned',
      async () => {
        const [application, user] = [await getClient('phonemos-hasura'), await getUser()]
        const path = `/${realm.name}/users/${user.id}/role-mappings/clients/${application.id}`
        await realm.admin.delete(path, await realm.admin.get(path, list))
      },
      /assign role "viewer" of client "phonemos-hasura"/,
      /allowed-roles .*in Keycloak role "viewer" of client "phonemos-hasura" is not assigned/,
    ],
    [
      'roles that are kept out of the token',
      () => changeClient({ fullScopeAllowed: false }),
      /put role "viewer" of client "phonemos-hasura" into the scope/,
      /allowed-roles .*in Keycloak Full scope allowed is off/,
    ],
    [
      'an email that is not verified',
      async () => {
        const user = await getUser()
        await realm.admin.put(`/${realm.name}/users/${user.id}`, { ...user, emailVerified: false })
      },
      /set Email verified/,
      /email .*in Keycloak the service account's user has an email that is not verified/,
    ],
    [
      'the email scope missing',
      async () => {
        const client = await getClient()
        const scope = (await realm.admin.get(`/${realm.name}/client-scopes`, list)).find(({ name }) => name === 'email')
        await realm.admin.delete(`/${realm.name}/clients/${client.id}/default-client-scopes/${scope?.id}`)
      },
      /make client scope "email" a default scope/,
      /email .*in Keycloak client scope "email" is not assigned/,
    ],
    [
      'service accounts switched off',
      () => changeClient({ serviceAccountsEnabled: false }),
      /turn on Service account roles/,
      /client-auth .*in Keycloak client "provisioned" has its service account turned off/,
    ],
    [
      'a disabled client',
      () => changeClient({ enabled: false }),
      /enable client "provisioned"/,
      /client-auth .*in Keycloak client "provisioned" is disabled/,
    ],
    [
      'a client that authenticates otherwise',
      () => changeClient({ clientAuthenticatorType: 'client-jwt' }),
      /set the authenticator "Client Id and Secret"/,
      /client-auth .*in Keycloak client "provisioned" authenticates by "Signed JWT"/,
    ],
    [
      'a client with the flows of a new one',
      () => changeClient({ standardFlowEnabled: true, directAccessGrantsEnabled: true, redirectUris: ['/*'] }),
      /turn off the standard flow.*\n.*turn off the direct access grants/,
      /all checks pass/,
    ],
    [
      'another secret in the file',
      () => writeFile(join(folder, 'secret'), 'another'),
      /write the secret of client "provisioned" into .*replacing the current one/,
      /client-auth .*in Keycloak the secret in .* is not that of client "provisioned"/,
    ],
  ])('is seen and mended: %s', async (_name, breakIt, planned, explained) => {
    await breakIt()
    expect((await run('doctor')).out).toMatch(explained)
    expect(await provision('--dry-run')).toMatch(planned)
    expect(await provision()).toMatch(/Verified/)
    expect(await provision('--dry-run')).toMatch(/^Nothing to do/)
  })

  test('the client unknown is told from a disabled one', async () => {
    const doctor = await runWith({ ...env, CLIENT_ID: 'nobody' }, 'doctor')
    expect(doctor.out).toMatch(/in Keycloak realm ".*" has no client "nobody"/)
  })
})

test("a scope that SCOPE asks for beside the client's own mappers, of which the one of roles replaces a list", async () => {
  const [roles, ...more] = hasuraMappers('phonemos-hasura', 'viewer')
  const config = { ...roles?.config, multivalued: 'false', 'claim.value': '["everybody"]', 'jsonType.label': 'JSON' }
  const list = { ...roles, name: 'list', protocolMapper: 'oidc-hardcoded-claim-mapper', config }
  const client = { clientId: 'asking', publicClient: false, serviceAccountsEnabled: true, standardFlowEnabled: false }
  await realm.admin.post(`/${realm.name}/clients`, { ...client, protocolMappers: [list, ...more] })
  const asking = { ...env, CLIENT_ID: 'asking', SCOPE: 'openid hasura' }
  const first = await runWith(asking, 'provision')
  expect(first).toMatchObject({
    code: 0,
    err: '',
    out: expect.stringContaining('Verified: all checks of doctor pass.'),
  })
  expect(await runWith(asking, 'provision')).toMatchObject({ code: 0, out: expect.stringMatching(/^Nothing to do/) })
})

describe('--rotate', () => {
  test('replaces the secret under a worker that never sees a refusal', async () => {
    await provision()
    const before = await readFile(join(folder, 'secret'), 'utf8')
    const token = createRequestToken(
      {
        server: { issuer: realm.issuer },
        scopes: [],
        clientId,
        method: 'client_secret_post',
        secret: { file: join(folder, 'secret') },
      },
      { clock: systemClock, readSecretFile: path => readFile(path, 'utf8') },
    )
    let fetched = 0
    let stopped = false
    const worker = (async () => {
      for (; !stopped; fetched += 1) await token(undefined, signal)
    })()
    await expect.poll(() => fetched).toBeGreaterThan(2)
    expect(await provision('--rotate')).toMatch(/✓ replace the secret of client "provisioned"/)
    const atRotation = fetched
    await expect.poll(() => fetched).toBeGreaterThan(atRotation + 2)
    stopped = true
    await worker
    const after = await readFile(join(folder, 'secret'), 'utf8')
    expect(after).not.toBe(before)
    expect((await stat(join(folder, 'secret'))).mode & 0o777).toBe(0o600)
    expect(await provision('--dry-run')).toMatch(/^Nothing to do/)
  })
})

describe('who may not', () => {
  test('a wrong password', async () => {
    await writeFile(join(folder, 'admin'), 'canary-password')
    const { code, err } = await run('provision')
    expect(code).toBe(2)
    expect(err).toMatch(
      /^The administrator of KEYCLOAK_ADMIN_USERNAME and KEYCLOAK_ADMIN_PASSWORD_FILE can't log in \(Keycloak refused client "admin-cli"/,
    )
  })

  test('a service account without rights, then with the two that it needs, then with those that it assigns', async () => {
    const { KEYCLOAK_ADMIN_USERNAME: _name, KEYCLOAK_ADMIN_PASSWORD_FILE: _file, ...rest } = env
    await writeFile(join(folder, 'provisioner'), realm.clientSecret)
    const asClient = {
      ...rest,
      KEYCLOAK_ADMIN_CLIENT_ID: realm.clientId,
      KEYCLOAK_ADMIN_CLIENT_SECRET_FILE: join(folder, 'provisioner'),
    }
    const refused = await runWith(asClient, 'provision', '--dry-run')
    expect(refused.code).toBe(1)
    expect(refused.err).toMatch(
      /may not do clients\.find in realm ".*" \(HTTP 403\): assign manage-clients and manage-users/,
    )
    const management = await getClient('realm-management')
    const allow = async (role: string) => {
      const representation = await realm.admin.get(`/${realm.name}/clients/${management.id}/roles/${role}`, loose)
      const path = `/${realm.name}/users/${realm.subject}/role-mappings/clients/${management.id}`
      await realm.admin.post(path, [representation])
    }
    for (const role of ['manage-clients', 'manage-users']) await allow(role)
    const other = { ...asClient, CLIENT_ID: 'by-client' }
    const { code, err, out } = await runWith(other, 'provision', '--group', 'phonemos')
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toMatch(/Verified/)
    const managing = { ...other, HASURA_URL: '', CLIENT_ID: 'manages' }
    const asking = ['provision', '--client', 'realm-management', '--role', 'view-events']
    const held = await runWith(managing, ...asking)
    expect(held.code).toBe(1)
    expect(held.err).toMatch(/may not do users\.addClientRoleMappings .*must have this role itself, .*realm-admin$/m)
    await allow('realm-admin')
    expect(await runWith(managing, ...asking)).toMatchObject({ code: 0, err: '' })
  })

  test('an address that another user has, or that the realm does not allow', async () => {
    await realm.admin.post(`/${realm.name}/users`, { username: 'ann', email: 'ann@wiki.example', enabled: true })
    const taken = await run('provision', '--email', 'ann@wiki.example')
    expect(taken.err).toMatch(
      /^Another user of realm .* has the address .*HTTP 409.*: choose another address with --email/,
    )
    const odd = await run('provision', '--email', 'no-address')
    expect(odd.err).toMatch(/does not accept the change .*HTTP 400.*User profile/)
    expect(await provision()).toMatch(/Nothing|Verified/)
  })

  test('nobody named, half of one, two, or a realm that nobody knows', async () => {
    const { KEYCLOAK_ADMIN_USERNAME: name = '', KEYCLOAK_ADMIN_PASSWORD_FILE: file = '', ...rest } = env
    expect(await runWith(rest, 'provision')).toMatchObject({
      code: 2,
      err: expect.stringMatching(
        /KEYCLOAK_ADMIN_CLIENT_ID and KEYCLOAK_ADMIN_CLIENT_SECRET_FILE .*KEYCLOAK_ADMIN_USERNAME/,
      ),
    })
    expect((await runWith({ ...rest, KEYCLOAK_ADMIN_USERNAME: name }, 'provision')).err).toMatch(/is incomplete/)
    expect((await runWith({ ...env, KEYCLOAK_ADMIN_CLIENT_ID: 'x' }, 'provision')).err).toMatch(/Two administrators/)
    const { OIDC_ISSUER: _issuer, ...withoutIssuer } = env
    expect((await runWith({ ...withoutIssuer, TOKEN_URL: 'https://other.example/token' }, 'provision')).err).toMatch(
      /^OIDC_ISSUER is missing, and TOKEN_URL is not/,
    )
    const nowhere = { ...env, OIDC_ISSUER: `${keycloak.url}/realms/nowhere`, KEYCLOAK_ADMIN_PASSWORD_FILE: file }
    expect((await runWith(nowhere, 'provision')).err).toMatch(/There is no realm "nowhere"/)
  })
})

describe('what it refuses', () => {
  test('a secret that no file holds', async () => {
    const { CLIENT_SECRET_FILE: _file, ...rest } = env
    const { code, err } = await runWith({ ...rest, CLIENT_SECRET: 'canary' }, 'provision', '--dry-run')
    expect(code).toBe(2)
    expect(err).toMatch(/CLIENT_SECRET_FILE instead/)
  })

  test('a key file that holds something else', async () => {
    const { CLIENT_SECRET_FILE: _file, ...rest } = env
    const keyFile = join(folder, 'admin')
    const { code, err } = await runWith(
      { ...rest, CLIENT_AUTH: 'private_key_jwt', CLIENT_KEY_FILE: keyFile },
      'provision',
      '--dry-run',
    )
    expect({ code, err }).toEqual({
      code: 2,
      err: expect.stringContaining(`The key file ${keyFile} holds no private key`),
    })
  })

  test("a client whose own mapper and the scope's write different values, and one by which others log in", async () => {
    const own = hasuraMappers('phonemos-hasura', 'editor')
    const secret = { publicClient: false, serviceAccountsEnabled: true, standardFlowEnabled: false }
    const people = { publicClient: true, rootUrl: 'https://wiki.example', redirectUris: ['/*'] }
    await realm.admin.post(`/${realm.name}/clients`, { ...secret, clientId: 'mapped', protocolMappers: own })
    await realm.admin.post(`/${realm.name}/clients`, { ...people, clientId: 'website' })
    const scope = await getScope()
    const { id } = await getClient('mapped')
    await realm.admin.put(`/${realm.name}/clients/${id}/default-client-scopes/${scope.id}`)

    const mapped = await runWith({ ...env, CLIENT_ID: 'mapped' }, 'provision')
    expect(mapped.code).toBe(2)
    expect(mapped.err).toMatch(
      /^Mapper "x-hasura-default-role" of client "mapped" .* left to chance: correct or delete it under Clients → mapped/,
    )
    const website = await runWith({ ...env, CLIENT_ID: 'website' }, 'provision')
    expect(website).toMatchObject({ code: 2, out: '' })
    expect(website.err).toMatch(
      /is public, .*others log in by this client \(standard flow\).*set CLIENT_ID to a client of its own/,
    )
    expect(await getClient('website')).toMatchObject({ publicClient: true, standardFlowEnabled: true })
  })

  test('to turn off flows by which users are logged in', async () => {
    const flows = { standardFlowEnabled: true, directAccessGrantsEnabled: true, redirectUris: ['/*'] }
    const name = 'backend'
    const credentials = [{ type: 'password', value: 'canary', temporary: false }]
    const person = { email: 'bob@wiki.example', firstName: 'Bob', lastName: 'Example', enabled: true }
    await realm.admin.post(`/${realm.name}/users`, { ...person, username: 'bob', credentials })
    await realm.admin.post(`/${realm.name}/clients`, {
      clientId: name,
      secret: 'canary',
      publicClient: false,
      ...flows,
    })
    const logIn = async () => {
      const login = {
        grant_type: 'password',
        client_id: name,
        client_secret: 'canary',
        username: 'bob',
        password: 'canary',
      }
      return (await fetch(realm.tokenUrl, { method: 'POST', body: new URLSearchParams(login) })).status
    }
    const ofOthers = { ...env, CLIENT_ID: name }
    expect((await runWith(ofOthers, 'provision', '--dry-run')).out).toMatch(/turn off the direct access grants/)
    expect(await logIn()).toBe(200)
    expect(await runWith(ofOthers, 'provision')).toMatchObject({ code: 0, err: '' })
    expect(await logIn()).toBe(200)
    const rotated = await runWith(ofOthers, 'provision', '--rotate')
    expect(rotated.err).toMatch(/others log in by this client \(standard flow, direct access grants\)/)
    expect(rotated.code).toBe(2)
  })

  test('a mapper that makes roles of the groups of the account', async () => {
    await provision('--group', 'phonemos')
    const claim = String.raw`https://hasura\.io/jwt/claims.x-hasura-allowed-roles`
    const config = { 'claim.name': claim, 'access.token.claim': 'true', 'full.path': 'false' }
    const groups = { protocol: 'openid-connect', protocolMapper: 'oidc-group-membership-mapper', config }
    const mappers = `/${realm.name}/clients/${(await getClient()).id}/protocol-mappers/models`
    await realm.admin.post(mappers, { ...groups, name: 'groups' })
    expect(await claimsOf()).toMatchObject({
      [namespace]: { 'x-hasura-allowed-roles': expect.arrayContaining(['phonemos', 'viewer']) },
    })
    const refused = await run('provision')
    expect(refused).toMatchObject({ code: 2, out: '' })
    expect(refused.err).toMatch(/^Mapper "groups" of client "provisioned" adds the names of the account's groups to /)
    await changeClient({ protocolMappers: [] })
    expect(await provision()).toMatch(/^Nothing to do/)
  })

  test("such a mapper of a scope that a new client gets, whose user has joined the realm's default groups", async () => {
    const path = `/${realm.name}`
    const [group] = await realm.admin.get(`${path}/groups`, list)
    await realm.admin.put(`${path}/default-groups/${group?.id}`)
    const claim = String.raw`https://hasura\.io/jwt/claims.x-hasura-allowed-roles`
    const config = { 'claim.name': claim, 'access.token.claim': 'true', 'full.path': 'false' }
    const protocol = 'openid-connect'
    const groups = { name: 'groups', protocol, protocolMapper: 'oidc-group-membership-mapper', config }
    const scope = await realm.admin.post(`${path}/client-scopes`, {
      name: 'crowd',
      protocol,
      protocolMappers: [groups],
    })
    await realm.admin.put(`${path}/default-default-client-scopes/${scope}`)
    const joining = { ...env, CLIENT_ID: 'joining', CLIENT_SECRET_FILE: join(folder, 'joining') }
    const { code, out, err } = await runWith(joining, 'provision')
    await realm.admin.delete(`${path}/default-default-client-scopes/${scope}`)
    await realm.admin.delete(`${path}/default-groups/${group?.id}`)
    expect(out).toMatch(/✓ create client "joining"/)
    expect(err).toMatch(/^Mapper "groups" of client scope "crowd" adds the names of the account's groups to /)
    expect(code).toBe(2)
  })

  test('a group, a role and a client that do not exist, all at once', async () => {
    const { code, err } = await run('provision', '--group', 'nobodies', '--role', 'emperor')
    expect(code).toBe(2)
    expect(err).toMatch(/Client "phonemos-hasura" has no role "emperor" \(it has .*viewer.*\n.*has no group "nobodies"/)
    expect((await run('provision', '--client', 'nothing')).err).toMatch(
      /has no client "nothing", whose roles are required/,
    )
  })

  test('a file that cannot be written, without a change of the secret', async () => {
    const missing = { ...env, CLIENT_ID: 'unwritable', CLIENT_SECRET_FILE: join(folder, 'nowhere', 'secret') }
    const { code, err } = await runWith(missing, 'provision')
    expect(code).toBe(2)
    expect(err).toMatch(/CLIENT_SECRET_FILE .*nowhere\/secret can't be written \(ENOENT\)/)
  })
})

test('no secret was ever written where somebody reads', async () => {
  const admin = new KeycloakAdmin(keycloak)
  const secrets = await Promise.all(
    ['provisioned', 'by-client', 'unwritable', realm.clientId].map(async name => {
      const client = await getClient(name)
      const path = `/${realm.name}/clients/${client.id}/client-secret`
      return (await admin.get(path, z.object({ value: z.string() }))).value
    }),
  )
  for (const secret of [...secrets, 'canary']) expect(written).not.toContain(secret)
  expect(written).not.toContain('canary-password')
})
