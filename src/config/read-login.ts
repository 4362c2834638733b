import type { ClientAuthMethod, Login, Secret } from '../account.ts'
import type { Told } from '../errors.ts'
import { quoteValue } from './quote-value.ts'

/** Those of the environment that say how an account gets its token; the same names in camelCase in an accounts file. */
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
 * @param label how problems call a variable
 * @param problems gets every problem, by the name of its variable, and without its value where that may be secret
 * @returns undefined when there is a problem
 */
export function readLogin(
  values: Values,
  label: (variable: LoginVariable) => string,
  problems: Told[],
): Login | undefined {
  const found = problems.length
  const { OIDC_ISSUER: issuer, TOKEN_URL: tokenUrl, CLIENT_ID: clientId } = values
  if (!issuer && !tokenUrl) {
    problems.push({
      found: `${label('OIDC_ISSUER')} is missing`,
      remedy: `give the realm's issuer, or the token endpoint in ${label('TOKEN_URL')}`,
    })
  }
  if (!clientId)
    problems.push({ found: `${label('CLIENT_ID')} is missing`, remedy: 'give the client id of the service account' })
  const allowInsecure = values.ALLOW_INSECURE_ISSUER || 'false'
  if (allowInsecure !== 'true' && allowInsecure !== 'false') {
    problems.push({
      found: `${label('ALLOW_INSECURE_ISSUER')} is ${quoteValue(allowInsecure)}`,
      remedy: 'give true or false',
    })
  }
  const method = methods.find(known => known === (values.CLIENT_AUTH || 'client_secret_basic'))
  if (!method) {
    problems.push({
      found: `${label('CLIENT_AUTH')} is ${quoteValue(values.CLIENT_AUTH)}`,
      remedy: `give one of ${methods.join(', ')}`,
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

/** Each method with the variables that it needs, and those that it can do without. */
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
  CLIENT_KEY_FILE: "give the file that holds the client's private key",
  CLIENT_CERT_FILE: "give the file that holds the client's certificate",
  USERNAME_FILE: 'give the file that holds the user name',
  PASSWORD_FILE: 'give the file that holds the password',
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
        remedy: `${hints[variable]}, which CLIENT_AUTH=${method} needs`,
      })
    } else if (!values.CLIENT_SECRET) {
      problems.push({
        found: `${label(variable)} is missing`,
        remedy: `give the file that holds the secret, or the secret itself in ${label('CLIENT_SECRET')}`,
      })
    }
  }
  const own = new Set([...needed, ...optional])
  const foreign = new Set(Object.values(credentials).flatMap(each => [...each.needed, ...each.optional]))
  for (const variable of foreign) {
    if (!values[variable] || own.has(variable)) continue
    problems.push({
      found: `${label(variable)} means nothing to ${label('CLIENT_AUTH')} ${method}`,
      remedy: 'unset it, or choose the method that it belongs to',
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
