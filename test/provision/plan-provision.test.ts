import { describe, expect, test } from 'vitest'
import type { Account, MappedClaim, Requirement } from '../../src/account.ts'
import { ConfigError } from '../../src/errors.ts'
import { hasuraMappers } from '../../src/provision/hasura-mappers.ts'
import { createSigningKey, type OwnCredential } from '../../src/provision/own-credential.ts'
import { planProvision } from '../../src/provision/plan-provision.ts'
import { createTarget, type ProvisionOptions } from '../../src/provision/provision-target.ts'
import { keyAttributes } from '../../src/provision/public-key.ts'
import type { ClientState, RealmState, RoleClientState, UserState } from '../../src/provision/realm-state.ts'

const account: Account = {
  name: 'default',
  login: {
    server: { issuer: 'https://keycloak.example/realms/wiki' },
    clientId: 'sync',
    scopes: [],
    method: 'client_secret_basic',
    secret: { file: '/secret' },
  },
  hasura: {
    url: 'https://hasura.example/v1/graphql',
    claims: { namespace: 'https://hasura.io/jwt/claims', format: 'json' },
  },
}
const secret: OwnCredential = { kind: 'secret', origin: '/secret', file: '/secret', isThere: true, is: () => true }
const prefix = String.raw`https://hasura\.io/jwt/claims.`

const client: ClientState = {
  id: 'client',
  clientId: 'sync',
  protocol: 'openid-connect',
  enabled: true,
  publicClient: false,
  bearerOnly: false,
  serviceAccountsEnabled: true,
  standardFlowEnabled: false,
  implicitFlowEnabled: false,
  directAccessGrantsEnabled: false,
  fullScopeAllowed: true,
  clientAuthenticatorType: 'client-secret',
  rootUrl: '',
  redirectUris: ['/*'],
  attributes: {},
  protocolMappers: [],
}
const user: UserState = {
  id: 'user',
  username: 'service-account-sync',
  enabled: true,
  email: 'sync@wiki.example',
  emailVerified: true,
  groups: ['/phonemos'],
}
const mappers = hasuraMappers({ application: 'phonemos-hasura', claimPrefix: prefix }, 'viewer').map(
  ({ check: _check, protocol: _protocol, ...mapper }) => ({ ...mapper, id: mapper.name }),
)
const application: RoleClientState = { enabled: true, roles: ['viewer', 'editor'], held: ['viewer'] }
const scope = { id: 'scope', name: 'hasura', attributes: {}, protocolMappers: mappers }
const named = (name: string) => ({ id: name, name, attributes: {}, protocolMappers: [] })

/** A realm in which nothing is to be done. */
const done: RealmState = {
  realm: 'wiki',
  client,
  defaultScopes: ['basic', 'email', 'roles', 'hasura'],
  optionalScopes: ['phone'],
  scopes: [scope, named('basic'), named('email'), named('roles'), named('phone')],
  roleClients: new Map([['phonemos-hasura', application]]),
  user,
  groups: [{ id: 'group', path: '/phonemos' }],
  knowsSecret: true,
}
const viewer: Requirement = { role: 'viewer' }

interface Asked {
  readonly state?: Partial<RealmState>
  readonly requirements?: readonly (Requirement | undefined)[]
  readonly options?: ProvisionOptions
  readonly account?: Account
  readonly own?: OwnCredential
  readonly rotate?: boolean
}

function plan(asked: Asked = {}) {
  const { requirements = [viewer], options, rotate } = asked
  const target = createTarget(asked.account ?? account, requirements, options)
  return planProvision({ ...done, ...asked.state }, target, asked.own ?? secret, rotate)
}

function sentences(asked: Asked): string[] {
  const { steps, obstacles } = plan(asked)
  return [...steps.map(step => step.sentence), ...obstacles.map(({ found }) => `! ${found}`)]
}

test('nothing is to be done where all is as it should be', () => {
  expect(plan()).toEqual({ steps: [], obstacles: [] })
  expect(plan({ options: { group: 'phonemos', email: 'Sync@wiki.example' } })).toEqual({ steps: [], obstacles: [] })
})

describe('the client', () => {
  test.each<[string, Partial<ClientState>, object]>([
    ['disabled', { enabled: false }, { enabled: true }],
    ['public', { publicClient: true }, { publicClient: false, bearerOnly: false }],
    ['bearer-only', { bearerOnly: true }, { publicClient: false, bearerOnly: false }],
    ['without service account', { serviceAccountsEnabled: false }, { serviceAccountsEnabled: true }],
    ['with the standard flow', { standardFlowEnabled: true }, { standardFlowEnabled: false }],
    [
      'with a standard flow that returns nowhere',
      { standardFlowEnabled: true, rootUrl: 'https://wiki.example', redirectUris: [] },
      { standardFlowEnabled: false },
    ],
    ['by key', { clientAuthenticatorType: 'client-jwt' }, { clientAuthenticatorType: 'client-secret' }],
    [
      'with a secret in the body only',
      { attributes: { 'client.secret.authentication.allowed.method': 'client_secret_post' } },
      { attributes: { 'client.secret.authentication.allowed.method': '' } },
    ],
  ])('%s is changed by that alone', (_name, found, change) => {
    const { steps } = plan({ state: { client: { ...client, ...found } } })
    expect(steps.map(({ action }) => action)).toEqual([{ kind: 'change-client', change }])
  })

  test.each(['', 'client_secret_basic'])('may accept its secret by "%s"', allowed => {
    const attributes = { 'client.secret.authentication.allowed.method': allowed }
    expect(plan({ state: { client: { ...client, attributes } } }).steps).toEqual([])
  })

  const people = { standardFlowEnabled: true, redirectUris: ['https://wiki.example/*'] }
  const device = { attributes: { 'oauth2.device.authorization.grant.enabled': 'true' } }

  test.each<[string, Partial<ClientState>]>([
    ['at an address', people],
    ['at an address relative to the root URL', { standardFlowEnabled: true, rootUrl: 'https://wiki.example' }],
    ['at any address', { standardFlowEnabled: true, redirectUris: ['*'] }],
    ['by the implicit flow', { implicitFlowEnabled: true }],
    ['by password', { directAccessGrantsEnabled: true }],
    ['on a device', device],
    ['by CIBA', { attributes: { 'oidc.ciba.grant.enabled': 'true' } }],
    ['in every way', { ...people, ...device, implicitFlowEnabled: true, directAccessGrantsEnabled: true }],
  ])('by which others log in %s is not taken from them', (_name, found) => {
    expect(sentences({ state: { client: { ...client, ...found } } })).toEqual([])
    const { steps, obstacles } = plan({ state: { client: { ...client, ...found, publicClient: true } } })
    expect({ steps, obstacles }).toMatchObject({ steps: [], obstacles: [{ check: 'client-auth' }] })
  })

  test('of a new one, both flows that the console may have given it are turned off', () => {
    const found = { standardFlowEnabled: true, directAccessGrantsEnabled: true }
    expect(sentences({ state: { client: { ...client, ...found } } })).toEqual([
      'turn off the standard flow for client "sync"',
      'turn off the direct access grants for client "sync"',
    ])
  })

  test('of a new one, by which users are logged in already, neither flow is turned off', () => {
    const found = { ...client, standardFlowEnabled: true, directAccessGrantsEnabled: true }
    expect(sentences({ state: { client: found, hasSessions: true } })).toEqual([])
  })

  const refusals: [string, Asked, string[]][] = [
    [
      'a public one of an application on the host of Keycloak',
      { state: { client: { ...client, publicClient: true, standardFlowEnabled: true }, hasSessions: true } },
      [
        '! client "sync" is public, so it can\'t authenticate; others log in by this client (standard flow), which a change may end',
      ],
    ],
    [
      'a public one that needs no secret for a password',
      {
        state: {
          client: { ...client, publicClient: true, standardFlowEnabled: true, directAccessGrantsEnabled: true },
        },
      },
      [
        '! client "sync" is public, so it can\'t authenticate; others log in by this client (direct access grants), which a change may end',
      ],
    ],
    [
      'a client of SAML',
      { state: { client: { ...client, protocol: 'saml' } } },
      ['! client "sync" is one of the protocol saml, so it can\'t get tokens'],
    ],
    [
      'a public one',
      { state: { client: { ...client, ...people, ...device, publicClient: true } } },
      [
        '! client "sync" is public, so it can\'t authenticate; others log in by this client (standard flow, device authorization grant), which a change may end',
      ],
    ],
    [
      'another authenticator',
      { state: { client: { ...client, ...people, clientAuthenticatorType: 'client-jwt' } } },
      [
        '! client "sync" authenticates by "Signed JWT", but the account by "Client Id and Secret"; others log in by this client (standard flow), which a change may end',
      ],
    ],
    [
      'another secret, which others may have',
      { state: { client: { ...client, ...people }, knowsSecret: true }, rotate: true },
      ['! the secret is to be replaced; others log in by this client (standard flow), which a change may end'],
    ],
  ]
  test.each(refusals)('of others is refused what may end their login: %s', (_name, asked, expected) => {
    expect(sentences(asked)).toEqual(expected)
  })

  test.each<[string, Partial<RealmState>, string]>([
    ['its secret copied', { knowsSecret: false }, 'write-secret'],
    ['its secret replaced, if it has expired', { secretExpired: true }, 'rotate-secret'],
  ])('of others may have %s', (_name, state, kind) => {
    expect(plan({ state: { client: { ...client, ...people }, ...state } })).toMatchObject({
      steps: [{ action: { kind } }],
      obstacles: [],
    })
  })

  test('is made first, and everything follows that it needs', () => {
    const { client: _client, user: _user, knowsSecret: _known, ...rest } = done
    const target = createTarget(account, [viewer], { group: '/phonemos' })
    const nothing: RoleClientState = { ...application, held: [] }
    const state = { ...rest, defaultScopes: ['basic'], roleClients: new Map([['phonemos-hasura', nothing]]) }
    expect(planProvision(state, target, secret).steps.map(({ action }) => action.kind)).toEqual([
      'create-client',
      'write-secret',
      'attach-scope',
      'attach-scope',
      'assign-role',
      'change-user',
      'join-group',
    ])
  })
})

describe('the credential', () => {
  const { key } = createSigningKey()
  const byKey = { ...client, clientAuthenticatorType: 'client-jwt', attributes: { ...keyAttributes([key]) } }
  const keyAccount: Account = {
    ...account,
    login: { ...account.login, method: 'private_key_jwt', keyFile: '/key' },
  }
  const ownKey: OwnCredential = { kind: 'key', origin: '/key', file: '/key', key, keyId: key.keyId ?? '' }
  const noKey: OwnCredential = { kind: 'key', origin: '/key', file: '/key' }
  const byCertificate = (attributes: Record<string, string>) => ({
    ...client,
    clientAuthenticatorType: 'client-x509',
    attributes,
  })
  const certificateAccount: Account = {
    ...account,
    login: { ...account.login, method: 'tls_client_auth', certificateFile: '/certificate', keyFile: '/key' },
  }
  const certificate: OwnCredential = { kind: 'certificate', file: '/certificate', subject: 'CN=sync, O=Wiki' }

  test.each<[string, Record<string, string>, OwnCredential, string[]]>([
    ['a set', keyAttributes([createSigningKey().key]), ownKey, ['register-key']],
    ['a set, for a new key', keyAttributes([createSigningKey().key]), noKey, ['create-key']],
    ['a URL', { 'use.jwks.url': 'true' }, ownKey, []],
    ['a certificate, whose name would change', { 'jwt.credential.certificate': 'MII' }, ownKey, []],
    [
      'a set for one algorithm',
      { ...keyAttributes([createSigningKey().key]), 'token.endpoint.auth.signing.alg': 'RS256' },
      ownKey,
      [],
    ],
  ])('of a client of others: a key is only added, in %s', (_name, attributes, own, kinds) => {
    const others = { ...byKey, attributes, standardFlowEnabled: true, redirectUris: ['https://wiki.example/*'] }
    const { steps, obstacles } = plan({ account: keyAccount, own, state: { client: others } })
    expect(steps.map(({ action }) => action.kind)).toEqual(kinds)
    expect(obstacles).toHaveLength(kinds.length === 0 ? 1 : 0)
  })

  test.each<[string, Asked, string[]]>([
    ['a secret that is right', {}, []],
    ['a secret that is to be replaced', { rotate: true }, ['rotate-secret']],
    ['another secret', { state: { knowsSecret: false } }, ['write-secret']],
    ['another secret that is to be replaced', { state: { knowsSecret: false }, rotate: true }, ['write-secret']],
    ['a secret that has expired', { state: { secretExpired: true } }, ['rotate-secret']],
    ['another secret that has expired', { state: { knowsSecret: false, secretExpired: true } }, ['rotate-secret']],
    ['no secret yet', { own: { ...secret, isThere: false } }, ['write-secret']],
    ['a key that is right', { account: keyAccount, own: ownKey, state: { client: byKey } }, []],
    [
      'a key that is to be replaced',
      { account: keyAccount, own: ownKey, state: { client: byKey }, rotate: true },
      ['rotate-key'],
    ],
    ['no key yet', { account: keyAccount, own: noKey, state: { client: byKey } }, ['create-key']],
    [
      'a key under another name',
      { account: keyAccount, own: { ...ownKey, key: { ...key, keyId: 'mine' } }, state: { client: byKey } },
      ['register-key'],
    ],
    [
      'a key behind a URL',
      {
        account: keyAccount,
        own: ownKey,
        state: { client: { ...byKey, attributes: { ...byKey.attributes, 'use.jwks.url': 'true' } } },
      },
      ['register-key'],
    ],
    [
      'a key of an algorithm that is not taken',
      {
        account: keyAccount,
        own: ownKey,
        state: {
          client: { ...byKey, attributes: { ...byKey.attributes, 'token.endpoint.auth.signing.alg': 'RS256' } },
        },
      },
      ['register-key'],
    ],
    [
      'a certificate that is right',
      {
        account: certificateAccount,
        own: certificate,
        state: { client: byCertificate({ 'x509.subjectdn': 'CN=sync,O=Wiki' }) },
      },
      [],
    ],
    [
      'a certificate that a pattern takes',
      {
        account: certificateAccount,
        own: certificate,
        state: {
          client: byCertificate({ 'x509.subjectdn': '.*O=Wiki', 'x509.allow.regex.pattern.comparison': 'true' }),
        },
      },
      [],
    ],
    [
      'a certificate of another name',
      {
        account: certificateAccount,
        own: certificate,
        state: { client: byCertificate({ 'x509.subjectdn': 'CN=other,O=Wiki' }) },
      },
      ['change-client'],
    ],
  ])('%s', (_name, asked, kinds) => {
    expect(plan(asked).steps.map(({ action }) => action.kind)).toEqual(kinds)
  })
})

describe('roles from a map of claims', () => {
  const mappedTo = (allowedRoles: MappedClaim): Account => {
    const map = { 'X-Hasura-Allowed-Roles': allowedRoles, 'x-hasura-default-role': 'viewer' }
    return { ...account, hasura: { url: 'https://hasura.example/v1/graphql', claims: { map } } }
  }
  const roleClients = new Map([['wiki', { ...application, held: [] }]])

  test.each<[string, MappedClaim, ProvisionOptions, string[]]>([
    [
      "are the client's that it names",
      { path: "$.resource_access['wiki'].roles" },
      {},
      ['assign role "viewer" of client "wiki" to the service account'],
    ],
    [
      'are those of the client that is named',
      { path: '$.groups' },
      { application: 'wiki' },
      ['assign role "viewer" of client "wiki" to the service account'],
    ],
    ['are assigned to nobody if it lists them', ['viewer'], {}, []],
    [
      'of the realm are left to a person',
      { path: '$.realm_access.roles' },
      {},
      ['! HASURA_CLAIMS_MAP takes the roles from $.realm_access.roles, where provision writes none'],
    ],
  ])('%s', (_name, allowedRoles, options, expected) => {
    expect(sentences({ account: mappedTo(allowedRoles), options, state: { roleClients } })).toEqual(expected)
  })

  test.each([
    ['$.realm_access.roles', 'assign viewer under Clients → sync → Service account roles → Assign role → Realm roles'],
    [
      '$.metadata.roles',
      "let a mapper of the client write viewer there; if one already writes a client's roles there, name that client to provision with --client",
    ],
  ])('at %s have their own advice', (path, advice) => {
    expect(plan({ account: mappedTo({ path }) }).obstacles).toMatchObject([{ advice, isSuspected: true }])
  })
})

describe("mappers of the client's own", () => {
  const own = (...more: readonly (readonly [index: number, config?: Record<string, string>, type?: string])[]) =>
    more.flatMap(([index, config, type]) => {
      const mapper = mappers[index]
      if (!mapper) return []
      const { 'usermodel.clientRoleMapping.clientId': _client, 'claim.value': _value, ...kept } = mapper.config
      const replaced = type === undefined ? mapper.config : kept
      return { ...mapper, protocolMapper: type ?? mapper.protocolMapper, config: { ...replaced, ...config } }
    })
  const without: Partial<RealmState> = { scopes: done.scopes.slice(1), defaultScopes: ['basic', 'email'] }
  const listed = { multivalued: 'false', 'jsonType.label': 'JSON', 'claim.value': '["worker"]' }
  const hardcoded = 'oidc-hardcoded-claim-mapper'
  const groups = 'oidc-group-membership-mapper'

  test.each<[string, Partial<RealmState>, ReturnType<typeof own>, string[]]>([
    ['write all that is needed', without, own([0], [1], [2, { 'jsonType.label': '' }]), []],
    [
      'choose the default role',
      without,
      own([0], [1, { 'claim.value': 'editor' }], [2]),
      ['assign role "editor" of client "phonemos-hasura" to the service account'],
    ],
    [
      'write other roles',
      without,
      own([0, listed, hardcoded], [1, { 'claim.value': 'worker' }], [2]),
      [
        '! mapper "x-hasura-allowed-roles" of client "sync", which writes x-hasura-allowed-roles, is a Hardcoded claim, not a User Client Role',
      ],
    ],
    [
      'write another user',
      without,
      own([2, { 'user.attribute': 'username' }]),
      [
        'create client scope "hasura"',
        'add mapper x-hasura-allowed-roles (User Client Role: phonemos-hasura)',
        'add mapper x-hasura-default-role (Hardcoded claim: viewer)',
        'make client scope "hasura" a default scope of client "sync"',
        '! mapper "x-hasura-user-id" of client "sync", which writes x-hasura-user-id, reads "username" instead of "id"',
      ],
    ],
    [
      'write a default role that the client with the roles lacks',
      without,
      own([0], [1, { 'claim.value': 'user' }], [2]),
      [
        '! mapper "x-hasura-default-role" of client "sync", which writes x-hasura-default-role, writes "user" instead of "viewer"',
      ],
    ],
    ['write the same as the scope', {}, own([0], [1], [2]), []],
    [
      'write the roles of the realm as well',
      {},
      own([0, { 'usermodel.clientRoleMapping.clientId': 'wiki' }], [0, {}, 'oidc-usermodel-realm-role-mapper']),
      [],
    ],
    [
      'write another value than the scope',
      {},
      own([1, { 'claim.value': 'king' }]),
      [
        '! mapper "x-hasura-default-role" of client "sync" writes x-hasura-default-role, and so does client scope "hasura" with another value: which of both is in a token is left to chance',
      ],
    ],
    [
      'write a list of roles, which their mapper of roles replaces',
      without,
      own([0, listed, hardcoded], [0], [1], [2]),
      [],
    ],
    ['write a list of roles, which the mapper of roles in the scope replaces', {}, own([0, listed, hardcoded]), []],
    [
      'write roles in place of a list in the scope',
      { scopes: [{ ...scope, protocolMappers: own([0, listed, hardcoded], [1], [2]) }, ...done.scopes.slice(1)] },
      own([0]),
      [],
    ],
    [
      'write all claims as one object beside the scope',
      {},
      own([0, { 'claim.name': String.raw`https://hasura\.io/jwt/claims`, ...listed }, hardcoded]),
      ['x-hasura-allowed-roles', 'x-hasura-default-role', 'x-hasura-user-id'].map(name =>
        expect.stringMatching(`^! mapper .* of client "sync" writes ${name}, .* left to chance`),
      ),
    ],
    [
      'write all claims as one object',
      without,
      own([0, { 'claim.name': String.raw`https://hasura\.io/jwt/claims`, ...listed }, hardcoded]),
      ['x-hasura-allowed-roles', 'x-hasura-default-role', 'x-hasura-user-id'].map(name =>
        expect.stringMatching(`^! mapper .* of client "sync", which writes ${name}, `),
      ),
    ],
    ...['', 'true'].map((multivalued): [string, Partial<RealmState>, ReturnType<typeof own>, string[]] => [
      `write groups, multivalued "${multivalued}", which Keycloak adds to the roles of the scope`,
      {},
      own([0, { multivalued }, groups]),
      [
        '! mapper "x-hasura-allowed-roles" of client "sync" adds the names of the account\'s groups to x-hasura-allowed-roles, so it may act as roles that nobody assigned to it',
      ],
    ]),
    [
      'write groups, which Keycloak adds to roles of their own',
      without,
      own([0], [1], [2], [0, { multivalued: '' }, groups]),
      [expect.stringMatching(/^! mapper .* of client "sync" adds the names of the account's groups to /)],
    ],
    ...[without, {}].map((scopes): [string, Partial<RealmState>, ReturnType<typeof own>, string[]] => [
      'write groups beside roles, of which the account is in none',
      { ...scopes, user: { ...user, groups: [] } },
      own([0], [1], [2], [0, { multivalued: '' }, groups]),
      [],
    ]),
    [
      'write groups in place of roles',
      without,
      own([0, { multivalued: '' }, groups], [1], [2]),
      [
        '! mapper "x-hasura-allowed-roles" of client "sync", which writes x-hasura-allowed-roles, is a Group Membership, not a User Client Role',
      ],
    ],
    ...['script-roles.js', 'oidc-script-based-protocol-mapper'].map(
      (script): [string, Partial<RealmState>, ReturnType<typeof own>, string[]] => [
        `write roles by ${script}, which replaces all others`,
        {},
        own([0], [0, { multivalued: 'false' }, script], [0, { multivalued: '' }, groups]),
        [
          `! mapper "x-hasura-allowed-roles" of client "sync", which writes x-hasura-allowed-roles, is a ${script}, not a User Client Role`,
        ],
      ],
    ),
    [
      'write another value than one in another scope of the client',
      {
        scopes: [...done.scopes, { ...named('wiki'), protocolMappers: own([1, { 'claim.value': 'king' }]) }],
        defaultScopes: ['basic', 'email', 'wiki'],
      },
      own([0], [1], [2]),
      [
        '! mapper "x-hasura-default-role" of client "sync" writes x-hasura-default-role, and so does mapper "x-hasura-default-role" of client scope "wiki" with another value: which of both is in a token is left to chance',
      ],
    ],
    ['write only into ID tokens', {}, own([1, { 'claim.value': 'king', 'access.token.claim': 'false' }]), []],
  ])('%s', (_name, state, protocolMappers, expected) => {
    expect(sentences({ state: { ...state, client: { ...client, protocolMappers } } })).toEqual(expected)
  })

  test('are only suspected beside one that reads an attribute, which the account may lack', () => {
    const reading = own([2, { 'user.attribute': 'wiki_id' }, 'oidc-usermodel-attribute-mapper'])
    const [roles, role] = mappers
    const protocolMappers = [roles, role, ...reading].flatMap(each => each ?? [])
    const scopes = [{ ...scope, protocolMappers }, ...done.scopes.slice(1)]
    const { obstacles } = plan({ state: { scopes, client: { ...client, protocolMappers: own([2]) } } })
    expect(obstacles).toMatchObject([{ check: 'user-id', isSuspected: true }])
  })

  test('count as well if another default scope has them', () => {
    const other = { ...named('wiki'), protocolMappers: own([0], [1, { 'claim.value': 'king' }], [2]) }
    const defaultScopes = ['basic', 'email', 'hasura', 'wiki']
    const { steps, obstacles } = plan({ state: { defaultScopes, scopes: [...done.scopes, other] } })
    expect(steps).toEqual([])
    expect(obstacles).toMatchObject([
      {
        found: expect.stringContaining('client scope "wiki"'),
        advice: 'remove client scope "wiki" under Clients → sync → Client scopes',
      },
    ])
  })

  const asking = (...scopes: string[]): Account => ({ ...account, login: { ...account.login, scopes } })
  const king = own([0], [1, { 'claim.value': 'king' }], [2])

  test('count as well if SCOPE asks for the scope that has them', () => {
    const scopes = [...done.scopes.slice(1), { ...named('wiki'), protocolMappers: own([0], [1], [2]) }]
    const state = { ...without, scopes, optionalScopes: ['wiki'] }
    expect(sentences({ account: asking('wiki'), state })).toEqual([])
    expect(sentences({ account: asking('wiki'), state: { ...state, optionalScopes: [] } })).toEqual([
      'make client scope "wiki" an optional scope of client "sync"',
    ])
    const others = [...done.scopes, { ...named('wiki'), protocolMappers: king }]
    const { obstacles } = plan({ account: asking('wiki'), state: { scopes: others, optionalScopes: ['wiki'] } })
    expect(obstacles).toMatchObject([
      {
        found: expect.stringMatching(
          /client scope "wiki" writes x-hasura-default-role, and so does client scope "hasura"/,
        ),
        advice: 'remove client scope "wiki" from SCOPE, and under Clients → sync → Client scopes',
      },
    ])
  })

  test.each<[string, Partial<RealmState>, ReturnType<typeof own>, string[]]>([
    ['the client has', { defaultScopes: ['basic', 'email'], optionalScopes: ['hasura'] }, own([0], [1], [2]), []],
    [
      'the client lacks',
      { defaultScopes: ['basic', 'email'] },
      own([0], [1], [2]),
      ['make client scope "hasura" an optional scope of client "sync"'],
    ],
    [
      'the realm lacks',
      without,
      own([0], [1], [2]),
      ['create client scope "hasura"', 'make client scope "hasura" an optional scope of client "sync"'],
    ],
    [
      'writes another value',
      { defaultScopes: ['basic', 'email'], optionalScopes: ['hasura'] },
      king,
      [expect.stringMatching(/^! mapper "x-hasura-default-role" of client "sync" .* left to chance$/)],
    ],
  ])('beside a scope "hasura" that SCOPE asks for and that %s', (_name, state, protocolMappers, expected) => {
    const asked = { account: asking('openid', 'hasura'), state: { ...state, client: { ...client, protocolMappers } } }
    expect(sentences(asked)).toEqual(expected)
  })

  test('are looked at in lightweight tokens only if these have them', () => {
    const state = { ...without, lightweight: true, client: { ...client, protocolMappers: own([0], [1], [2]) } }
    expect(sentences({ state })).toContain('create client scope "hasura"')
  })
})

describe('the scopes', () => {
  const withMappers = (change: (all: typeof mappers) => typeof mappers): Asked => ({
    state: { scopes: [{ ...scope, protocolMappers: change(mappers) }, ...done.scopes.slice(1)] },
  })
  const changed = (index: number, config: Record<string, string>): Asked =>
    withMappers(all =>
      all.map((each, at) => (at === index ? { ...each, config: { ...each.config, ...config } } : each)),
    )

  const realmRoles = 'oidc-usermodel-realm-role-mapper'
  const ofUser = 'oidc-usermodel-attribute-mapper'
  const [allowedRoles, defaultRole] = mappers
  const { 'claim.value': _value, ...unvalued } = defaultRole?.config ?? {}
  const { 'usermodel.clientRoleMapping.clientId': _client, ...merged } = allowedRoles?.config ?? {}
  const others = [
    {
      id: 'wiki',
      name: 'roles of wiki',
      protocolMapper: 'oidc-usermodel-client-role-mapper',
      config: { ...merged, 'usermodel.clientRoleMapping.clientId': 'wiki' },
    },
    { id: 'realm', name: 'roles of the realm', protocolMapper: realmRoles, config: merged },
  ]
  const { multivalued: _multivalued, ...unlisted } = merged

  const inIdTokens = (each: (typeof mappers)[number]) => ({
    ...each,
    id: 'theirs',
    name: 'theirs',
    config: { ...each.config, 'user.attribute': 'username', 'access.token.claim': 'false', 'id.token.claim': 'true' },
  })

  const managing: Asked = {
    requirements: [viewer, { clientRoles: { 'realm-management': ['view-users'] } }],
    state: {
      roleClients: new Map([
        ['phonemos-hasura', application],
        ['realm-management', { enabled: true, roles: ['view-users'], held: ['view-users'] }],
      ]),
    },
  }

  test.each([
    ['shop', 'add mapper x-hasura-allowed-roles: phonemos-hasura (User Client Role: phonemos-hasura)'],
    ['account', 'correct mapper "x-hasura-allowed-roles" (User Client Role: phonemos-hasura)'],
  ])('a mapper that reads the roles of client %s, which may be that of another application', (read, expected) => {
    const [roles, ...rest] = mappers
    const config = { ...roles?.config, 'usermodel.clientRoleMapping.clientId': read }
    const protocolMappers = [roles ? { ...roles, config } : [], rest].flat()
    expect(sentences({ state: { scopes: [{ ...scope, protocolMappers }, ...done.scopes.slice(1)] } })).toEqual([
      expected,
    ])
  })

  describe('a default role that the roles of the account lack', () => {
    const [roles, role, ...rest] = mappers
    const reading = (source: string) =>
      roles
        ? [{ ...roles, name: source, config: { ...roles.config, 'usermodel.clientRoleMapping.clientId': source } }]
        : []
    const writing = (value: string) => (role ? [{ ...role, config: { ...role.config, 'claim.value': value } }] : [])
    const ofShop = { ...scope, protocolMappers: [...reading('shop'), ...writing('shopper'), ...rest] }

    test('is that of another application, whose scope it is as well', () => {
      const { obstacles } = plan({ state: { scopes: [ofShop, ...done.scopes.slice(1)] } })
      expect(obstacles).toMatchObject([
        {
          check: 'default-role',
          found:
            'client scope "hasura" is also that of client "shop", and its mapper writes the default role "shopper"',
          isSuspected: true,
        },
      ])
    })

    test("is the client's own, in a realm with a scope of another application", () => {
      const own = [...reading('phonemos-hasura'), ...reading('wiki'), ...writing('citizen'), ...rest]
      const scopes = [ofShop, ...done.scopes.slice(1)]
      const state = { scopes, client: { ...client, protocolMappers: own }, defaultScopes: ['basic', 'email'] }
      expect(sentences({ state })).toEqual([])
    })

    test('may be one of any client', () => {
      const protocolMappers = [...reading('phonemos-hasura'), ...reading(''), ...writing('citizen'), ...rest]
      expect(sentences({ state: { scopes: [{ ...scope, protocolMappers }, ...done.scopes.slice(1)] } })).toEqual([])
    })
  })

  test('mappers of the claims of another Hasura, with a namespace of its own, stay as they are', () => {
    const protocolMappers = hasuraMappers({ application: 'phonemos-hasura', claimPrefix: 'wiki.' }, 'editor').map(
      ({ check: _check, protocol: _protocol, ...mapper }) => ({ ...mapper, id: mapper.name }),
    )
    const { steps } = plan({ state: { scopes: [{ ...scope, protocolMappers }, ...done.scopes.slice(1)] } })
    expect(steps.map(step => step.sentence)).toEqual([
      'add mapper x-hasura-allowed-roles: phonemos-hasura (User Client Role: phonemos-hasura)',
      'add mapper x-hasura-default-role: viewer (Hardcoded claim: viewer)',
      'add mapper x-hasura-user-id: id (User Property: id)',
    ])
    expect(steps[0]?.found).toBe(
      `no mapper of client scope "hasura" writes the claim "${prefix}x-hasura-allowed-roles"`,
    )
    const both = [...protocolMappers, ...mappers.map(each => ({ ...each, name: `${each.name} of this one` }))]
    expect(sentences({ state: { scopes: [{ ...scope, protocolMappers: both }, ...done.scopes.slice(1)] } })).toEqual([])
  })

  test.each<[string, Asked, string[]]>([
    [
      'no scope at all',
      { state: { scopes: done.scopes.slice(1), defaultScopes: ['basic', 'email'] } },
      [
        'create client scope "hasura"',
        'add mapper x-hasura-allowed-roles (User Client Role: phonemos-hasura)',
        'add mapper x-hasura-default-role (Hardcoded claim: viewer)',
        'add mapper x-hasura-user-id (User Property: id)',
        'make client scope "hasura" a default scope of client "sync"',
      ],
    ],
    [
      'an optional scope',
      { state: { defaultScopes: ['basic', 'email'], optionalScopes: ['hasura'] } },
      ['make client scope "hasura" a default scope of client "sync"'],
    ],
    [
      'a scope that the token does not name',
      { state: { scopes: [{ ...scope, attributes: { 'include.in.token.scope': 'false' } }] } },
      ['turn on Include in token scope for client scope "hasura"'],
    ],
    [
      'roles with a prefix',
      changed(0, { 'usermodel.clientRoleMapping.rolePrefix': 'wiki-' }),
      ['correct mapper "x-hasura-allowed-roles" (User Client Role: phonemos-hasura)'],
    ],
    [
      'one role alone',
      changed(0, { multivalued: 'false' }),
      ['correct mapper "x-hasura-allowed-roles" (User Client Role: phonemos-hasura)'],
    ],
    [
      'a claim in the ID token alone',
      changed(2, { 'access.token.claim': 'false' }),
      ['correct mapper "x-hasura-user-id" (User Property: id)'],
    ],
    [
      'a mapper of another name',
      withMappers(all => all.map((each, index) => ({ ...each, name: `mapper ${index}` }))),
      [],
    ],
    [
      'two mappers of one claim',
      withMappers(([first, ...rest]) =>
        first
          ? [{ ...first, id: 'spare', name: 'spare', protocolMapper: 'oidc-hardcoded-claim-mapper' }, first, ...rest]
          : [],
      ),
      ['remove mapper "spare", because another one writes x-hasura-allowed-roles'],
    ],
    [
      'roles of the realm under the name of the claim',
      withMappers(([, ...rest]) => [
        { id: 'realm', name: 'x-hasura-allowed-roles', protocolMapper: realmRoles, config: merged },
        ...rest,
      ]),
      ['add mapper x-hasura-allowed-roles: phonemos-hasura (User Client Role: phonemos-hasura)'],
    ],
    [
      'a default role that may be one of the realm, or of another application',
      withMappers(all => [
        ...others,
        ...all.map(each =>
          each.name === 'x-hasura-default-role'
            ? { ...each, config: { ...each.config, 'claim.value': 'citizen' } }
            : each,
        ),
      ]),
      ['! client scope "hasura" is also that of client "wiki", and its mapper writes the default role "citizen"'],
    ],
    [
      'a list that everybody has',
      withMappers(([first, ...rest]) =>
        first
          ? [
              {
                ...first,
                protocolMapper: 'oidc-hardcoded-claim-mapper',
                config: { ...unlisted, 'claim.value': '["user"]', 'jsonType.label': 'JSON' },
              },
              ...rest,
            ]
          : [],
      ),
      [
        '! mapper "x-hasura-allowed-roles" of client scope "hasura" writes x-hasura-allowed-roles from another source (Hardcoded claim: ["user"]), on which other clients may depend',
      ],
    ],
    [
      'groups that are roles',
      withMappers(([first, ...rest]) =>
        first ? [{ ...first, protocolMapper: 'oidc-group-membership-mapper', config: unlisted }, ...rest] : [],
      ),
      [
        '! mapper "x-hasura-allowed-roles" of client scope "hasura" writes x-hasura-allowed-roles from another source (Group Membership), on which other clients may depend',
      ],
    ],
    [
      "every user's own default role",
      withMappers(all =>
        all.map(each =>
          each.name === 'x-hasura-default-role'
            ? { ...each, protocolMapper: ofUser, config: { ...unvalued, 'user.attribute': 'role' } }
            : each,
        ),
      ),
      [
        '! mapper "x-hasura-default-role" of client scope "hasura" writes x-hasura-default-role from another source (User Attribute: role), on which other clients may depend',
      ],
    ],
    [
      "every user's own default role beside the one of the account, and a third",
      withMappers(all =>
        all.flatMap(each => {
          if (each.name !== 'x-hasura-default-role') return [each]
          const { name } = each
          const own = { id: 'own', name, protocolMapper: ofUser, config: { ...unvalued, 'user.attribute': 'role' } }
          const third = { ...each, id: 'third', name: 'third', config: { ...each.config, 'claim.value': 'king' } }
          return [own, { ...each, id: 'right', name: 'right' }, third]
        }),
      ),
      [
        'remove mapper "third", because another one writes x-hasura-default-role',
        '! mapper "x-hasura-default-role" of client scope "hasura" writes x-hasura-default-role from another source (User Attribute: role), on which other clients may depend',
      ],
    ],
    [
      'users by another property in the ID token, beside the right one',
      withMappers(all => [...all, ...all.slice(2).map(inIdTokens)]),
      [],
    ],
    [
      'users by another property in the ID token, alone',
      withMappers(all => [...all.slice(0, 2), ...all.slice(2).map(inIdTokens)]),
      ['add mapper x-hasura-user-id (User Property: id)'],
    ],
    [
      'users by another property',
      changed(2, { 'user.attribute': 'username' }),
      [
        '! mapper "x-hasura-user-id" of client scope "hasura" writes x-hasura-user-id from another source (User Property: username), on which other clients may depend',
      ],
    ],
    [
      'an attribute in place of the property',
      withMappers(all =>
        all.map(each => (each.name === 'x-hasura-user-id' ? { ...each, protocolMapper: ofUser } : each)),
      ),
      ['correct mapper "x-hasura-user-id" (User Property: id)'],
    ],
    ['mappers of other sources, whose roles Keycloak adds', withMappers(all => [...others, ...all]), []],
    [
      'mappers of other sources alone',
      withMappers(([, ...rest]) => [...others, ...rest]),
      ['add mapper x-hasura-allowed-roles (User Client Role: phonemos-hasura)'],
    ],
    [
      'mappers of other sources beside one that reads nothing',
      withMappers(([first, ...rest]) =>
        first
          ? [...others, { ...first, config: { ...first.config, 'usermodel.clientRoleMapping.clientId': '' } }, ...rest]
          : [],
      ),
      ['correct mapper "x-hasura-allowed-roles" (User Client Role: phonemos-hasura)'],
    ],
    [
      'a mapper of another source that writes one role alone',
      withMappers(all => [
        ...others.map(each => ({ ...each, config: { ...each.config, multivalued: 'false' } })).slice(0, 1),
        ...all,
      ]),
      ['remove mapper "roles of wiki", because another one writes x-hasura-allowed-roles'],
    ],
    [
      'a default role that others share and the account lacks',
      changed(1, { 'claim.value': 'editor' }),
      ['assign role "editor" of client "phonemos-hasura" to the service account'],
    ],
    [
      'a default role that does not exist',
      changed(1, { 'claim.value': 'emperor' }),
      ['correct mapper "x-hasura-default-role" (Hardcoded claim: viewer)'],
    ],
    [
      'the email left out',
      { state: { defaultScopes: ['basic', 'hasura'] } },
      ['make client scope "email" a default scope of client "sync"'],
    ],
    [
      'the scope that a job requires',
      { requirements: [viewer, { scopes: ['phone'] }] },
      ['make client scope "phone" a default scope of client "sync"'],
    ],
    [
      'the scope that a job requires and SCOPE asks for',
      {
        requirements: [viewer, { scopes: ['phone'] }],
        account: { ...account, login: { ...account.login, scopes: ['openid', 'phone'] } },
      },
      [],
    ],
    [
      "the scope of Keycloak's Admin API, where the realm has it",
      { ...managing, state: { ...managing.state, scopes: [...done.scopes, named('kc-admin-api')] } },
      ['make client scope "kc-admin-api" a default scope of client "sync"'],
    ],
    ["the scope of Keycloak's Admin API in an older realm, which lacks it", managing, []],
    [
      'roles of clients that no mapper writes',
      { ...managing, state: { ...managing.state, defaultScopes: ['basic', 'email', 'hasura'] } },
      ['make client scope "roles" a default scope of client "sync"'],
    ],
    [
      'roles of clients that a mapper of its own writes',
      {
        ...managing,
        state: {
          ...managing.state,
          defaultScopes: ['basic', 'email', 'hasura'],
          client: {
            ...client,
            protocolMappers: [
              {
                id: 'own',
                name: 'own',
                protocolMapper: 'oidc-usermodel-client-role-mapper',
                config: { 'claim.name': 'resource_access.wiki.roles' },
              },
            ],
          },
        },
      },
      [],
    ],
    [
      'roles for an extension of Keycloak',
      {
        ...managing,
        account: { ...account, api: { baseUrl: 'https://keycloak.example/realms/wiki' } },
        state: { ...managing.state, scopes: [...done.scopes, named('kc-admin-api')] },
      },
      [],
    ],
    [
      "the scope of one of Keycloak's organizations",
      {
        account: { ...account, login: { ...account.login, scopes: ['organization:acme'] } },
        state: { scopes: [...done.scopes, named('organization')] },
      },
      ['make client scope "organization" an optional scope of client "sync"'],
    ],
    [
      'a scope that nobody knows',
      { account: { ...account, login: { ...account.login, scopes: ['wiki'] } } },
      ['! realm "wiki" has no client scope "wiki", which SCOPE asks for'],
    ],
  ])('%s', (_name, asked, expected) => {
    expect(sentences(asked)).toEqual(expected)
  })
})

describe('lightweight tokens', () => {
  const sub = { id: 'sub', name: 'sub', protocolMapper: 'oidc-sub-mapper', config: { 'access.token.claim': 'true' } }
  const light = mappers.map(each => ({ ...each, config: { ...each.config, 'lightweight.claim': 'true' } }))
  const scopes = [{ ...scope, protocolMappers: light }, { ...named('basic'), protocolMappers: [sub] }, named('email')]
  const refreshing = { ...client, attributes: { 'client_credentials.use_refresh_token': 'true' } }

  test('lack the subject if the client uses refresh tokens', () => {
    expect(sentences({ state: { lightweight: true, scopes, client: refreshing } })).toEqual([
      'turn on Add to lightweight access token for mapper "sub" of client scope "basic"',
    ])
    expect(sentences({ state: { lightweight: true, scopes } })).toEqual([])
  })
})

const { email: _email, ...nameless } = user

describe('the user', () => {
  test.each<[string, Asked, string[]]>([
    [
      'the roles of its jobs, each once',
      { requirements: [viewer, { role: 'editor' }, undefined, { role: 'editor' }] },
      ['assign role "editor" of client "phonemos-hasura" to the service account'],
    ],
    ['the roles that were chosen, instead', { requirements: [{ role: 'editor' }], options: { roles: ['viewer'] } }, []],
    [
      'roles of other clients',
      {
        requirements: [viewer, { clientRoles: { 'realm-management': ['view-users'] } }],
        state: {
          roleClients: new Map([
            ['phonemos-hasura', application],
            ['realm-management', { enabled: true, roles: ['view-users'], held: [] }],
          ]),
        },
      },
      ['assign role "view-users" of client "realm-management" to the service account'],
    ],
    [
      'a role that does not exist',
      { options: { roles: ['emperor'] } },
      ['! client "phonemos-hasura" has no role "emperor" (it has viewer, editor)'],
    ],
    [
      'a client that does not exist',
      { options: { application: 'wiki' } },
      [
        'add mapper x-hasura-allowed-roles: wiki (User Client Role: wiki)',
        '! realm "wiki" has no client "wiki", whose roles are required',
      ],
    ],
    [
      'no role at all',
      { requirements: [undefined], state: { scopes: [], defaultScopes: ['hasura'] } },
      ['! no job requires a role'],
    ],
    [
      'a role that is kept out of the token',
      { state: { roleClients: new Map([['phonemos-hasura', { ...application, letThrough: [] }]]) } },
      ['put role "viewer" of client "phonemos-hasura" into the scope of client "sync"'],
    ],
    ['a disabled user', { state: { user: { ...user, enabled: false } } }, ["enable the service account's user"]],
    ['no email', { state: { user: nameless } }, ['set the email sync@service-account.invalid, and Email verified']],
    ['an email to be verified', { state: { user: { ...user, emailVerified: false } } }, ['set Email verified']],
    [
      'another email',
      { options: { email: 'worker@wiki.example' } },
      ['set the email worker@wiki.example, and Email verified'],
    ],
    [
      'a group that it is not in',
      { options: { group: 'phonemos' }, state: { user: { ...user, groups: [] } } },
      ["add the service account's user to the group /phonemos"],
    ],
    [
      'a group that does not exist',
      { options: { group: 'x' }, state: { groups: [] } },
      ['! realm "wiki" has no group "x"'],
    ],
    [
      'two groups of one name',
      {
        options: { group: 'x' },
        state: {
          groups: [
            { id: '1', path: '/a/x' },
            { id: '2', path: '/x' },
          ],
        },
      },
      ['! several groups are called "x": /a/x, /x'],
    ],
  ])('%s', (_name, asked, expected) => {
    expect(sentences(asked)).toEqual(expected)
  })
})

test('a disabled client of two roles may be why tokens lack them, and is no step', () => {
  const roleClients = new Map([['phonemos-hasura', { ...application, enabled: false, held: ['viewer', 'editor'] }]])
  expect(plan({ requirements: [viewer, { role: 'editor' }], state: { roleClients } })).toEqual({
    steps: [],
    obstacles: [
      {
        check: 'job-roles',
        found: expect.stringMatching(/^client "phonemos-hasura" is disabled/),
        advice: expect.stringMatching(/^enable client "phonemos-hasura"/),
        isSuspected: true,
      },
    ],
  })
})

describe('accounts of other kinds', () => {
  const { hasura, ...withoutHasura } = account

  test('an account without Hasura needs no scope of it, and no email', () => {
    const state = { scopes: done.scopes.slice(1), defaultScopes: ['basic'], roleClients: new Map(), user: nameless }
    const asked = { account: withoutHasura, state, requirements: [{ scopes: ['basic'] }] }
    expect(sentences(asked)).toEqual([])
    expect(sentences({ ...asked, options: { email: 'worker@wiki.example' } })).toEqual([
      'make client scope "email" a default scope of client "sync"',
      'set the email worker@wiki.example, and Email verified',
    ])
  })

  test('claims that are collected by a map need no mappers', () => {
    const path = '$.resource_access.phonemos-hasura.roles'
    const claims = { map: { 'x-hasura-allowed-roles': { path }, 'x-hasura-default-role': 'viewer' } }
    expect(hasura).toBeDefined()
    const mapped = { ...account, hasura: { url: '', claims } }
    expect(sentences({ account: mapped, state: { scopes: done.scopes.slice(1) } })).toEqual([])
  })

  test('claims at a path are levels', () => {
    const claims = { namespace: '', path: "$['hasura.io'].claims", format: 'json' as const }
    expect(createTarget({ ...account, hasura: { url: '', claims } }, [viewer])).toMatchObject({
      hasura: { claimPrefix: String.raw`hasura\.io.claims.` },
    })
  })

  test.each<[string, Account, RegExp]>([
    [
      'a user',
      {
        ...account,
        login: { ...account.login, method: 'password', usernameFile: '/user', passwordFile: '/password' },
      },
      /CLIENT_AUTH=password/,
    ],
    [
      'claims as a text',
      { ...account, hasura: { url: '', claims: { namespace: 'n', format: 'stringified_json' } } },
      /stringified_json/,
    ],
  ])('%s is refused', (_name, refused, sentence) => {
    expect(() => createTarget(refused, [viewer])).toThrow(ConfigError)
    expect(() => createTarget(refused, [viewer])).toThrow(sentence)
  })
})
