import type { ClientAuthMethod, Login, Secret } from '../account.ts'
import type { Told } from '../explanation.ts'
import { dropDiscoveryPath } from './drop-discovery-path.ts'
import { quoteValue } from './quote-value.ts'

/** The variables that set how an account gets its token; in an accounts file the same names in camelCase. */
export const loginVariables = [
  'OIDC_ISSUER',
  'TOKEN_URL',
  'ALLOW_INSECURE_ISSUER',
  'CLIENT_ID',
  'CLIENT_AUTH',
  'CLIENT_SECRET',
  'CLIENT_SECRET_FILE',
  'CLIENT_KEY_FILE',
  'CLIENT_KEY_ID',
  'CLIENT_CERT_FILE',
  'USERNAME_FILE',
  'PASSWORD_FILE',
  'SCOPE',
] as const

type LoginVariable = (typeof loginVariables)[number]
type Values = Readonly<Partial<Record<LoginVariable, string | undefined>>>

/**
 * @param label name of a variable in problems
 * @param problems gets every problem, with the name of its variable, and without its value if that may be secret
 * @returns undefined when there is a problem
 */
export function readLogin(
  values: Values,
  label: (variable: LoginVariable) => string,
  problems: Told[],
): Login | undefined {
  const found = problems.length
  const { TOKEN_URL: tokenUrl, CLIENT_ID: clientId } = values
  const issuer = dropDiscoveryPath(values.OIDC_ISSUER)
  if (!issuer && !tokenUrl) {
    problems.push({
      found: `${label('OIDC_ISSUER')} is missing`,
      remedy: `set it to the realm's issuer, or set ${label('TOKEN_URL')} to the token endpoint`,
    })
  }
  if (!clientId)
    problems.push({
      found: `${label('CLIENT_ID')} is missing`,
      remedy: 'set it to the client id of the service account',
    })
  const allowInsecure = values.ALLOW_INSECURE_ISSUER || 'false'
  if (allowInsecure !== 'true' && allowInsecure !== 'false') {
    problems.push({
      found: `${label('ALLOW_INSECURE_ISSUER')} is ${quoteValue(allowInsecure)}`,
      remedy: 'set it to true or false',
    })
  }
  const method = methods.find(known => known === (values.CLIENT_AUTH || 'client_secret_basic'))
  if (!method) {
    problems.push({
      found: `${label('CLIENT_AUTH')} is ${quoteValue(values.CLIENT_AUTH)}`,
      remedy: `set it to one of ${methods.join(', ')}`,
    })
    return undefined
  }
  findCredentialProblems(method, values, label, problems)
  if (problems.length > found) return undefined
  return {
    server: tokenUrl ? { tokenUrl, ...(issuer && { issuer }) } : { issuer: issuer ?? '' },
    clientId: clientId ?? '',
    scopes: values.SCOPE?.split(/\s+/).filter(Boolean) ?? [],
    ...(allowInsecure === 'true' && { allowInsecure: true }),
    ...readCredential(method, values),
  }
}

interface Credentials {
  readonly needed: readonly LoginVariable[]
  readonly optional: readonly LoginVariable[]
}

/** The required and optional variables of each method. */
const credentials: Readonly<Record<ClientAuthMethod, Credentials>> = {
  client_secret_basic: { needed: ['CLIENT_SECRET_FILE'], optional: ['CLIENT_SECRET'] },
  client_secret_post: { needed: ['CLIENT_SECRET_FILE'], optional: ['CLIENT_SECRET'] },
  private_key_jwt: { needed: ['CLIENT_KEY_FILE'], optional: ['CLIENT_KEY_ID'] },
  tls_client_auth: { needed: ['CLIENT_CERT_FILE', 'CLIENT_KEY_FILE'], optional: [] },
  password: { needed: ['USERNAME_FILE', 'PASSWORD_FILE'], optional: ['CLIENT_SECRET', 'CLIENT_SECRET_FILE'] },
}

const methods: readonly ClientAuthMethod[] = [
  'client_secret_basic',
  'client_secret_post',
  'private_key_jwt',
  'tls_client_auth',
  'password',
]

const hints: Readonly<Partial<Record<LoginVariable, string>>> = {
  CLIENT_KEY_FILE: "set it to the file that holds the client's private key",
  CLIENT_CERT_FILE: "set it to the file that holds the client's certificate",
  USERNAME_FILE: 'set it to the file that holds the user name',
  PASSWORD_FILE: 'set it to the file that holds the password',
}

function findCredentialProblems(
  method: ClientAuthMethod,
  values: Values,
  label: (variable: LoginVariable) => string,
  problems: Told[],
): void {
  const { needed, optional } = credentials[method]
  for (const variable of needed) {
    if (values[variable]) continue
    if (variable !== 'CLIENT_SECRET_FILE') {
      problems.push({
        found: `${label(variable)} is missing`,
        remedy: `${hints[variable]}, which CLIENT_AUTH=${method} requires`,
      })
    } else if (!values.CLIENT_SECRET) {
      problems.push({
        found: `${label(variable)} is missing`,
        remedy: `set it to the file that holds the secret, or set ${label('CLIENT_SECRET')} to the secret itself`,
      })
    }
  }
  const own = new Set([...needed, ...optional])
  const foreign = new Set(Object.values(credentials).flatMap(each => [...each.needed, ...each.optional]))
  for (const variable of foreign) {
    if (!values[variable] || own.has(variable)) continue
    problems.push({
      found: `${label(variable)} has no effect with ${label('CLIENT_AUTH')} ${method}`,
      remedy: 'unset it, or choose the method that uses it',
    })
  }
}

type Credential = Login extends infer L ? (L extends Login ? Omit<L, 'server' | 'clientId' | 'scopes'> : never) : never

function readCredential(method: ClientAuthMethod, values: Values): Credential {
  const { CLIENT_KEY_FILE: keyFile = '', CLIENT_KEY_ID: keyId, CLIENT_SECRET, CLIENT_SECRET_FILE } = values
  const secret: Secret = CLIENT_SECRET_FILE ? { file: CLIENT_SECRET_FILE } : { value: CLIENT_SECRET ?? '' }
  switch (method) {
    case 'client_secret_basic':
    case 'client_secret_post':
      return { method, secret }
    case 'private_key_jwt':
      return { method, keyFile, ...(keyId && { keyId }) }
    case 'tls_client_auth':
      return { method, certificateFile: values.CLIENT_CERT_FILE ?? '', keyFile }
    case 'password': {
      const { USERNAME_FILE: usernameFile = '', PASSWORD_FILE: passwordFile = '' } = values
      const hasSecret = Boolean(CLIENT_SECRET_FILE || CLIENT_SECRET)
      return { method, usernameFile, passwordFile, ...(hasSecret && { secret }) }
    }
  }
}
