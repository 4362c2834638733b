import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Config, type Environment, parseConfig } from '../../src/config/config.ts'
import { ConfigError } from '../../src/errors.ts'
import { renderExplanation } from '../../src/explanation.ts'

const minimal = {
  OIDC_ISSUER: 'https://keycloak.example/realms/wiki',
  CLIENT_ID: 'sync-worker',
  CLIENT_SECRET_FILE: '/run/secrets/client',
  HASURA_URL: 'https://wiki.example/v1/graphql',
}

function problemsOf(env: Environment, accountsFile?: unknown): readonly string[] {
  try {
    parseConfig(env, accountsFile)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(renderExplanation)
    throw error
  }
}

function accountOf(env: Environment): Config['accounts'][number] | undefined {
  return parseConfig({ ...minimal, ...env }).accounts[0]
}

describe('an environment with the least that is needed', () => {
  test('is one account called default, embedded, on the loopback, with requests over HTTP off', () => {
    expect(parseConfig(minimal)).toEqual({
      dashboard: 'link',
      dataDir: '.data',
      http: { host: '127.0.0.1', port: 8088 },
      metrics: { listen: 'http', hasAccounts: false },
      logLevel: 'info',
      accounts: [
        {
          name: 'default',
          login: {
            server: { issuer: minimal.OIDC_ISSUER },
            clientId: 'sync-worker',
            method: 'client_secret_basic',
            secret: { file: '/run/secrets/client' },
            scopes: [],
          },
          hasura: {
            url: minimal.HASURA_URL,
            claims: { namespace: 'https://hasura.io/jwt/claims', format: 'json' },
          },
        },
      ],
    })
  })

  test('is told everything that is missing at once', () => {
    expect(problemsOf({})).toEqual([
      "OIDC_ISSUER is missing: set it to the realm's issuer, or set TOKEN_URL to the token endpoint",
      'CLIENT_ID is missing: set it to the client id of the service account',
      'CLIENT_SECRET_FILE is missing: set it to the file that holds the secret, or set CLIENT_SECRET to the secret itself',
    ])
  })
})

describe('each variable', () => {
  test.each<[Environment, (config: Config) => unknown, unknown]>([
    [{ DATABASE_URL: 'postgres://u:p@db/x' }, config => config.databaseUrl, 'postgres://u:p@db/x'],
    ...[
      ['postgres:///x?host=/run/pg', 'postgres://localhost/x?host=/run/pg'],
      ['postgres://u:p@/x?host=/cloudsql/a:b:c', 'postgres://u:p@localhost/x?host=/cloudsql/a:b:c'],
      ['postgresql://u@h/x?sslmode=disable&host=/run/pg', 'postgresql://u@h/x?sslmode=disable&host=/run/pg'],
      ['postgres://u:a,b@h/x?user=u@h', 'postgres://u:a,b@h/x?user=u@h'],
      ['postgres://u:p@h/x?sslrootcert=system', 'postgres://u:p@h/x?sslmode=verify-full'],
      ['postgres://h/x?sslmode=require&sslrootcert=system', 'postgres://h/x?sslmode=verify-full'],
      ['postgres://h/x?sslrootcert=/etc/ca.pem', 'postgres://h/x?sslrootcert=/etc/ca.pem'],
      ['postgres://u:p@h/x?sslmode=require&a=b', 'postgres://u:p@h/x?sslmode=verify-full&a=b'],
      ['postgres://h/x?a=b&sslmode=prefer', 'postgres://h/x?a=b&sslmode=verify-full'],
      ['postgres://h/x?sslmode=verify-ca', 'postgres://h/x?sslmode=verify-full'],
      ['postgres://h/x?sslmode=no-verify', 'postgres://h/x?sslmode=no-verify'],
      ['postgres://h/x?uselibpqcompat=true&sslmode=require', 'postgres://h/x?uselibpqcompat=true&sslmode=require'],
    ].map(([DATABASE_URL = '', read]): [Environment, (config: Config) => unknown, unknown] => [
      { DATABASE_URL },
      config => config.databaseUrl,
      read,
    ]),
    [{ DATABASE_URL: 'postgresql://db/x', REDIS_URL: 'rediss://r/3' }, config => config.redisUrl, 'rediss://r/3'],
    [{ DATA_DIR: '/var/lib/worker' }, config => config.dataDir, '/var/lib/worker'],
    [{ HOST: '0.0.0.0', PORT: '80' }, config => config.http, { host: '0.0.0.0', port: 80 }],
    [{ PORT: '0' }, config => config.http.port, 0],
    [{ PORT: '0' }, config => config.metrics, { listen: 'http', hasAccounts: false }],
    [{ HOST: '::1' }, config => config.metrics.listen, 'http'],
    [{ HOST: 'localhost' }, config => config.metrics.listen, 'http'],
    [{ HOST: '0.0.0.0' }, config => config.metrics.listen, null],
    [{ HOST: '::' }, config => config.metrics.listen, null],
    [{ HOST: 'worker.internal' }, config => config.metrics.listen, null],
    [{ METRICS_PORT: '9464' }, config => config.metrics.listen, { host: '127.0.0.1', port: 9464 }],
    [
      { HOST: '0.0.0.0', METRICS_HOST: '::', METRICS_PORT: '0', METRICS_ACCOUNTS: 'true' },
      config => config.metrics,
      { listen: { host: '::', port: 0 }, hasAccounts: true },
    ],
    [{ LOG_LEVEL: 'trace' }, config => config.logLevel, 'trace'],
    [
      { HTTP_ISSUER: 'https://idp', HTTP_AUDIENCE: 'worker', HTTP_ROLE: 'request-jobs' },
      config => config.http.callers,
      { issuer: 'https://idp', audience: 'worker', role: 'request-jobs' },
    ],
    [
      { HTTP_ISSUER: 'https://idp', HTTP_JWKS_URL: 'https://in/keys', HTTP_AUDIENCE: 'worker', HTTP_ROLE: 'r' },
      config => config.http.callers,
      { issuer: 'https://idp', jwksUrl: 'https://in/keys', audience: 'worker', role: 'r' },
    ],
    [
      {
        HTTP_ISSUER: 'https://idp/realms/wiki/.well-known/openid-configuration',
        HTTP_AUDIENCE: 'worker',
        HTTP_ROLE: 'r',
      },
      config => config.http.callers?.issuer,
      'https://idp/realms/wiki',
    ],
    [
      { HTTPS_PROXY: 'http://u:p@proxy:3128', HTTP_PROXY: 'https://other/', NO_PROXY: 'a.example,.b.example' },
      config => config.proxies,
      {
        http: 'https://other/',
        https: 'http://u:p@proxy:3128',
        except: 'a.example,.b.example,localhost,127.0.0.1,[::1]',
      },
    ],
    [
      { https_proxy: 'proxy:3128', HTTPS_PROXY: 'http://loses', HTTP_PROXY: '', no_proxy: '*' },
      config => config.proxies,
      { https: 'http://proxy:3128', except: '*' },
    ],
    [{ HTTPS_PROXY: ' ', NO_PROXY: 'a' }, config => config.proxies, undefined],
  ])('is read: %j', (env, read, expected) => {
    expect(read(parseConfig({ ...minimal, ...env }))).toEqual(expected)
  })

  test('of the account is read', () => {
    expect(
      accountOf({
        OIDC_ISSUER: '',
        TOKEN_URL: 'https://idp/token',
        CLIENT_SECRET: 's3cret',
        CLIENT_SECRET_FILE: '',
        CLIENT_AUTH: 'client_secret_post',
        SCOPE: ' wiki  files ',
        HASURA_CLAIMS_NAMESPACE: 'https://other/claims',
        HASURA_CLAIMS_PATH: '$.claims',
        HASURA_CLAIMS_FORMAT: 'stringified_json',
        REFRESH_ROLE: 'editor',
      }),
    ).toMatchObject({
      login: {
        server: { tokenUrl: 'https://idp/token' },
        method: 'client_secret_post',
        secret: { value: 's3cret' },
        scopes: ['wiki', 'files'],
      },
      hasura: {
        refreshRole: 'editor',
        claims: { namespace: 'https://other/claims', path: '$.claims', format: 'stringified_json' },
      },
    })
  })

  test.each<[Environment, object]>([
    [
      { CLIENT_AUTH: 'private_key_jwt', CLIENT_KEY_FILE: '/k' },
      { method: 'private_key_jwt', keyFile: '/k' },
    ],
    [
      { CLIENT_AUTH: 'tls_client_auth', CLIENT_KEY_FILE: '/k', CLIENT_CERT_FILE: '/c' },
      { method: 'tls_client_auth', keyFile: '/k', certificateFile: '/c' },
    ],
    [
      { CLIENT_AUTH: 'password', USERNAME_FILE: '/u', PASSWORD_FILE: '/p' },
      { method: 'password', usernameFile: '/u', passwordFile: '/p' },
    ],
  ])('chooses another way to log in: %j', (env, login) => {
    expect(accountOf({ CLIENT_SECRET_FILE: undefined, ...env })?.login).toMatchObject(login)
  })

  test('that names a secret file wins over the secret itself', () => {
    expect(accountOf({ CLIENT_SECRET: 's3cret' })?.login).toMatchObject({ secret: { file: '/run/secrets/client' } })
  })

  test('of Hasura may be missing, for an account without it', () => {
    expect(accountOf({ HASURA_URL: undefined })).not.toHaveProperty('hasura')
  })

  test.each<[Environment, RegExp]>([
    [{ REDIS_URL: 'localhost:6379', DATABASE_URL: 'postgres://db/x' }, /^REDIS_URL is not a URL such as redis:/],
    [
      { REDIS_URL: 'redis://r/cache', DATABASE_URL: 'postgres://db/x' },
      /^REDIS_URL names a database that is not a number/,
    ],
    [
      { REDIS_URL: 'redis://r:6379?db=1&password=canary', DATABASE_URL: 'postgres://db/x' },
      /^REDIS_URL names a database, a user or a password behind a "\?".*host:6379\/1$/,
    ],
    [{ REDIS_URL: 'redis://r' }, /^REDIS_URL is set without DATABASE_URL, so .*: set both or neither$/],
    [{ DATABASE_URL: 'mysql://db/x' }, /^DATABASE_URL is not a URL such as postgres:/],
    [{ DATABASE_URL: 'postgres://u:50%@db/x' }, /^DATABASE_URL has a % in its user name or password/],
    ...[
      'postgres://u:canary#1@db/x',
      'postgres://u:12#canary@db/x',
      'postgres://u:a/canary@db/x',
      'postgres://u:a?canary@db/x',
    ].map((url): [Environment, RegExp] => [
      { DATABASE_URL: url },
      /^DATABASE_URL has a \/, \? or # in its user name or password: write them as %2F, %3F and %23$/,
    ]),
    [
      { REDIS_URL: 'redis://default:a/canary=@r:6379/0', DATABASE_URL: 'postgres://db/x' },
      /^REDIS_URL has a \/, \? or # in its user name/,
    ],
    [
      { DATABASE_URL: 'postgres://u@a:5432,b:5432/x?target_session_attrs=read-write' },
      /^DATABASE_URL names several hosts/,
    ],
    [{ DATABASE_URL: 'postgres://a,b/x' }, /^DATABASE_URL names several hosts/],
    // The password begins as a port does.
    [{ DATABASE_URL: 'postgres://a:1/canary@db/x' }, /^DATABASE_URL has a \/, \? or # in its user name or password/],
    ...[
      { HASURA_URL: 'https://<your-hasura>/v1/graphql' },
      { HASURA_URL: 'https://hasura.example:port/v1/graphql' },
      { HASURA_URL: 'https://hasura.example:99999/v1/graphql' },
      { OIDC_ISSUER: 'https://key cloak/realms/wiki' },
      { DATABASE_URL: 'postgres://a:canary@127.0.0.1:5432x/x' },
      { DATABASE_URL: 'postgres://a:canary@my host/x' },
      { REDIS_URL: 'redis://redis:63 79', DATABASE_URL: 'postgres://db/x' },
    ].map((env): [Environment, RegExp] => [
      env,
      /^[A-Z_]+ has a host or a port that no URL can have: write the host without spaces and < >, and the port as/,
    ]),
    ...[
      { HASURA_URL: 'https://fd00::1/v1/graphql' },
      { DATABASE_URL: 'postgres://a:canary@fd00::1:5432/x' },
      { REDIS_URL: 'redis://::1:6379', DATABASE_URL: 'postgres://db/x' },
    ].map((env): [Environment, RegExp] => [
      env,
      /^[A-Z_]+ has an IPv6 address without brackets: write it in brackets, as in \[fd/,
    ]),
    [{ DATABASE_URL: 'postgres:///x' }, /^DATABASE_URL names no host: .*\?host=\/var\/run\/postgresql/],
    [{ HASURA_URL: 'wiki.example/v1/graphql' }, /^HASURA_URL is not a URL/],
    [{ HASURA_URL: 'ftp://wiki.example' }, /^HASURA_URL .* must begin with https:\/\/ or http:\/\//],
    [{ OIDC_ISSUER: 'keycloak' }, /^OIDC_ISSUER is not a URL/],
    [{ OIDC_ISSUER: '', TOKEN_URL: 'x' }, /^TOKEN_URL is not a URL/],
    [{ HTTP_JWKS_URL: 'https://idp/keys', HTTP_ISSUER: 'https://idp', HTTP_ROLE: 'r' }, /^HTTP_AUDIENCE is missing/],
    [
      { HTTP_JWKS_URL: 'x', HTTP_ISSUER: 'https://idp', HTTP_AUDIENCE: 'a', HTTP_ROLE: 'r' },
      /^HTTP_JWKS_URL is not a URL/,
    ],
    [{ http_proxy: 'socks5://proxy' }, /^http_proxy is not a URL such as http:/],
    [{ HTTPS_PROXY: 'http://u:50%@proxy' }, /^HTTPS_PROXY has a % in its user name or password/],
    [{ HTTPS_PROXY: 'http://canary@proxy' }, /^HTTPS_PROXY has only one of user name and password.*: write both/],
    [{ HTTPS_PROXY: 'http://wpad/proxy.pac' }, /^HTTPS_PROXY has something after the host and the port.*\.pac/],
    [{ http_proxy: 'canary:@proxy:3128' }, /^http_proxy has only one of user name and password/],
    [{ HTTP_PROXY: 'http://:canary@proxy' }, /^HTTP_PROXY has only one of user name and password/],
    [{ CLIENT_ID: '' }, /^CLIENT_ID is missing/],
    [{ CLIENT_AUTH: 'none' }, /^CLIENT_AUTH is "none": set it to one of client_secret_basic/],
    [{ HASURA_CLAIMS_FORMAT: 'xml' }, /^HASURA_CLAIMS_FORMAT is "xml": set it to json or stringified_json$/],
    [{ PORT: 'http' }, /^PORT is "http": give 0 to 65535$/],
    [{ PORT: '65536' }, /^PORT is "65536"/],
    [{ PORT: '1e3' }, /^PORT is "1e3"/],
    [
      { METRICS_PORT: 'tcp://10.96.12.7:9464' },
      /^METRICS_PORT is "tcp:\/\/10\.96\.12\.7:946…": Kubernetes sets it for a Service of that name: set "enableServiceLinks: false"/,
    ],
    [{ METRICS_PORT: 'on' }, /^METRICS_PORT is "on": give 0 to 65535$/],
    [{ METRICS_HOST: '0.0.0.0' }, /^METRICS_HOST has no effect without METRICS_PORT/],
    [{ METRICS_ACCOUNTS: 'yes' }, /^METRICS_ACCOUNTS is "yes": give true or false$/],
    [{ LOG_LEVEL: 'loud' }, /^LOG_LEVEL is "loud": set it to one of trace, debug/],
    [{ HTTP_ISSUER: 'https://idp', HTTP_ROLE: 'r' }, /^HTTP_AUDIENCE is missing: set all of HTTP_ISSUER/],
    [{ HTTP_ISSUER: 'idp', HTTP_AUDIENCE: 'a', HTTP_ROLE: 'r' }, /^HTTP_ISSUER is not a URL/],
  ])('that is wrong is told by its name: %j', (env, sentence) => {
    const problems = problemsOf({ ...minimal, ...env })
    expect(problems).toEqual([expect.stringMatching(sentence)])
  })

  test('that is wrong is told together with all others', () => {
    const problems = problemsOf({
      ...minimal,
      TOKEN_URL: 'token',
      CLIENT_AUTH: 'none',
      HASURA_CLAIMS_FORMAT: 'xml',
      HASURA_URL: 'hasura',
      REDIS_URL: 'redis',
      PORT: 'x',
      LOG_LEVEL: 'x',
      HTTP_ROLE: 'x',
    })
    const told = (variable: string) => problems.some(problem => problem.startsWith(variable))
    expect(
      ['TOKEN_URL', 'CLIENT_AUTH', 'HASURA_CLAIMS_FORMAT', 'HASURA_URL', 'REDIS_URL', 'PORT', 'LOG_LEVEL'].filter(
        variable => !told(variable),
      ),
    ).toEqual([])
    expect(told('HTTP_ISSUER') && told('HTTP_AUDIENCE')).toBe(true)
  })
})

describe('an accounts file', () => {
  const one = { name: 'one', tokenUrl: 'https://idp/token', clientId: 'a', clientSecret: 's', hasuraUrl: 'https://h/g' }

  test('holds many accounts, each with the variables in camelCase', () => {
    const two = { name: 'two', oidcIssuer: 'https://idp', clientId: 'b', clientSecretFile: '/b', scope: 'wiki' }
    const { accounts } = parseConfig({}, { accounts: [one, two] })
    expect(accounts.map(account => [account.name, account.login.clientId, account.login.scopes])).toEqual([
      ['one', 'a', []],
      ['two', 'b', ['wiki']],
    ])
  })

  test('takes a map of claims as an object, and whether http is allowed as true or false', () => {
    const claims = { 'x-hasura-allowed-roles': { path: '$.roles' }, 'x-hasura-default-role': 'viewer' }
    const { accounts } = parseConfig({}, { accounts: [{ ...one, hasuraClaimsMap: claims, allowInsecureIssuer: true }] })
    expect(accounts).toMatchObject([{ login: { allowInsecure: true }, hasura: { claims: { map: claims } } }])
    expect(problemsOf({}, { accounts: [{ ...one, hasuraClaimsMap: [], allowInsecureIssuer: 1 }] })).toEqual([
      'ACCOUNTS_FILE accounts.0.allowInsecureIssuer: must be true or false',
      expect.stringMatching(/^ACCOUNTS_FILE accounts\.0\.hasuraClaimsMap: must be a JSON object of claims/),
    ])
  })

  test.each<[string, unknown, readonly (string | RegExp)[]]>([
    ['nothing', null, ['ACCOUNTS_FILE as a whole: must be an object with a list `accounts`']],
    ['a list', [], ['ACCOUNTS_FILE as a whole: must be an object with a list `accounts`']],
    ['no accounts', {}, ['ACCOUNTS_FILE accounts: must be a list of accounts']],
    ['an empty list', { accounts: [] }, ['ACCOUNTS_FILE accounts: must hold at least one account']],
    ['a name as account', { accounts: ['one'] }, ['ACCOUNTS_FILE accounts.0: must be the settings of one account']],
    ['a word too much', { accounts: [one], defaults: {} }, [/^ACCOUNTS_FILE as a whole: unrecognized key: "defaults"/]],
    ['a missing name', { accounts: [{ ...one, name: undefined }] }, ['ACCOUNTS_FILE accounts.0.name: must be a text']],
    [
      'a name with a space',
      { accounts: [{ ...one, name: 'a b' }] },
      [/^ACCOUNTS_FILE accounts\.0\.name: must consist of letters/],
    ],
    ['a name twice', { accounts: [one, one] }, ['ACCOUNTS_FILE accounts.1.name: "one" occurs twice']],
    [
      'a setting that there is not',
      { accounts: [{ ...one, hasura_url: 'x' }] },
      ['ACCOUNTS_FILE accounts.0.hasura_url: an account has no such setting'],
    ],
    [
      'numbers where a text is needed',
      { accounts: [{ ...one, name: 7, clientId: true, clientSecret: 42 }] },
      [
        'ACCOUNTS_FILE accounts.0.name: must be a text: enclose it in quotes',
        'ACCOUNTS_FILE accounts.0.clientId: must be a text: enclose it in quotes',
        'ACCOUNTS_FILE accounts.0.clientSecret: must be a text: enclose it in quotes',
      ],
    ],
    [
      'nothing where a text is needed',
      { accounts: [{ ...one, clientSecret: null }] },
      [
        'ACCOUNTS_FILE accounts.0.clientSecret: must be a text',
        'ACCOUNTS_FILE accounts.0.clientSecretFile is missing: set it to the file that holds the secret, or set ACCOUNTS_FILE accounts.0.clientSecret to the secret itself',
      ],
    ],
    [
      'jobs, schedules and limits of a wrong form',
      {
        accounts: [
          {
            ...one,
            jobs: 'sync-users',
            schedules: { 'sync-users': { everySeconds: 0 }, 'sync-topics': 'daily', 'sync-articles': null },
            limits: { concurrentRuns: 1.5 },
            clientAuth: 'none',
          },
        ],
      },
      [
        /^ACCOUNTS_FILE accounts\.0\.clientAuth: must be client_secret_basic, /,
        'ACCOUNTS_FILE accounts.0.jobs: must be a list of job names',
        'ACCOUNTS_FILE accounts.0.schedules.sync-users.everySeconds: must be 1 or more',
        /^ACCOUNTS_FILE accounts\.0\.schedules\.sync-topics: must be \{everySeconds: 1 or more\}/,
        'ACCOUNTS_FILE accounts.0.limits.concurrentRuns: must be a whole number',
      ],
    ],
    [
      'a limit that there is not',
      { accounts: [{ ...one, limits: { requests: 2 } }] },
      ['ACCOUNTS_FILE accounts.0.limits: must be an object with concurrentRuns and concurrentRequests, or one of them'],
    ],
    [
      'two accounts with a fault each',
      {
        accounts: [
          { ...one, name: '-' },
          { ...one, tokenUrl: 'x', oidcIssuer: 'https://idp' },
        ],
      },
      [/^ACCOUNTS_FILE accounts\.0\.name/, /^ACCOUNTS_FILE accounts\.1\.tokenUrl is not a URL/],
    ],
  ])('with %s is told where', (_what, content, sentences) => {
    expect(problemsOf({}, content)).toEqual(
      sentences.map(sentence => (typeof sentence === 'string' ? sentence : expect.stringMatching(sentence))),
    )
  })

  test('beside variables of an account is a contradiction, not a guess', () => {
    expect(problemsOf({ CLIENT_ID: 'x', HASURA_URL: 'https://h/g' }, { accounts: [one] })).toEqual([
      'CLIENT_ID, HASURA_URL would have no effect, because ACCOUNTS_FILE is set: move them into the file, or unset them',
    ])
  })
})

describe('whatever the environment holds', () => {
  const canary = 'canary-7c1e'
  const odd = fc.oneof(
    fc.string(),
    fc.webUrl(),
    fc.constantFrom(
      `https://user:${canary}@idp.example/`,
      `postgres://user:${canary}@db/x`,
      `redis://:${canary}@r/0`,
      `redis://:${canary}%@r/0`,
      `//${canary}`,
      `nonsense://${canary}`,
      `https://${canary} `,
      canary,
    ),
  )
  const secret = fc.constantFrom(canary, `${canary}\n`, '')
  const urls = ['REDIS_URL', 'DATABASE_URL', 'OIDC_ISSUER', 'TOKEN_URL', 'HASURA_URL', 'HTTP_ISSUER'] as const
  const texts = [
    'DATA_DIR',
    'HOST',
    'PORT',
    'LOG_LEVEL',
    'HTTP_AUDIENCE',
    'HTTP_ROLE',
    'CLIENT_ID',
    'CLIENT_AUTH',
  ] as const
  const environment = fc.record(
    {
      ...Object.fromEntries(urls.map(name => [name, odd])),
      ...Object.fromEntries(texts.map(name => [name, fc.string()])),
      SCOPE: fc.string(),
      HASURA_CLAIMS_FORMAT: fc.string(),
      HASURA_CLAIMS_PATH: fc.string(),
      HASURA_CLAIMS_MAP: fc.oneof(fc.string(), fc.json()),
      ALLOW_INSECURE_ISSUER: fc.string(),
      CLIENT_SECRET: secret,
    },
    { requiredKeys: [] },
  )

  test('it is a configuration or a ConfigError, which never repeats a secret or a password', () => {
    fc.assert(
      fc.property(environment, env => {
        expect(problemsOf(env).join('\n')).not.toContain(canary)
      }),
      { numRuns: 500 },
    )
  })

  test('and whatever the accounts file holds', () => {
    const settings = fc.dictionary(
      fc.constantFrom(
        'name',
        'oidcIssuer',
        'tokenUrl',
        'clientId',
        'clientSecret',
        'hasuraUrl',
        '__proto__',
        'toString',
      ),
      fc.oneof(odd, fc.integer(), fc.constant(null)),
    )
    const file = fc.oneof(fc.jsonValue(), fc.record({ accounts: fc.array(fc.oneof(settings, fc.jsonValue())) }))
    fc.assert(
      fc.property(file, content => {
        // A name is told; the rest isn't.
        const problems = problemsOf({}, content).filter(problem => !problem.includes('.name: "'))
        expect(problems.join('\n')).not.toContain(canary)
      }),
      { numRuns: 500 },
    )
  })
})
