import { z } from 'zod'
import type { AccountVariable } from './read-account.ts'
import { accountJobsSchema } from './read-account-jobs.ts'
import { claimsMapShape } from './read-claims-location.ts'

/** CLIENT_SECRET_FILE → clientSecretFile */
export type CamelCase<T extends string> = T extends `${infer Head}_${infer Tail}`
  ? `${Lowercase<Head>}${Capitalize<CamelCase<Tail>>}`
  : Lowercase<T>

const text = z.string('must be a text').optional()
const url = text.meta({ format: 'uri' })

const accountName = z
  .string('must be a text')
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9_-]*$/,
    'must consist of letters, digits, dashes and underscores, and begin with a letter or a digit',
  )

const settings = {
  oidcIssuer: url.describe(
    "The realm's issuer, such as https://keycloak.example/realms/wiki; required without tokenUrl.",
  ),
  tokenUrl: url.describe(
    'The token endpoint, for a server without discovery or with an address that differs from its issuer.',
  ),
  allowInsecureIssuer: z
    .union([z.boolean(), z.enum(['true', 'false'])], 'must be true or false')
    .optional()
    .describe('Allows sending credentials over plain http to another machine. Default: false.'),
  clientId: z.string('must be a text').describe('The client id of the service account.'),
  clientAuth: z
    .enum(
      ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'tls_client_auth', 'password'],
      'must be client_secret_basic, client_secret_post, private_key_jwt, tls_client_auth or password',
    )
    .optional()
    .describe('How the client authenticates. Default: client_secret_basic.'),
  clientSecret: text.describe('The secret itself; prefer a file of its own, named in clientSecretFile.'),
  clientSecretFile: text.describe('The file that holds the secret; it takes precedence over clientSecret.'),
  clientKeyFile: text.describe("The client's private key (PEM or JWK), for private_key_jwt and tls_client_auth."),
  clientKeyId: text.describe('The kid of the key, for private_key_jwt.'),
  clientCertFile: text.describe("The client's certificate (PEM), for tls_client_auth."),
  usernameFile: text.describe('The file that holds the user name, for password.'),
  passwordFile: text.describe('The file that holds the password, for password.'),
  scope: text.describe('Scopes to request, separated by spaces; each must be granted.'),
  hasuraUrl: url.describe('Complete URL of the GraphQL endpoint; omit it for an account without Hasura.'),
  hasuraClaimsNamespace: text.describe(
    "The claim that contains Hasura's claims. Default: https://hasura.io/jwt/claims.",
  ),
  hasuraClaimsPath: text.describe(
    'A JSON path to the claims, such as $.hasura.claims; it takes precedence over the namespace.',
  ),
  hasuraClaimsFormat: z
    .enum(['json', 'stringified_json'], 'must be json or stringified_json')
    .optional()
    .describe('Default: json.'),
  hasuraClaimsMap: z
    .union([claimsMapShape, z.string()])
    .optional()
    .describe("The path of each claim, as in Hasura's claims_map; replaces namespace, path and format."),
  refreshRole: text.describe("The role for refresh_users. Default: the token's default role."),
  apiBaseUrl: url.describe('A REST API that accepts the same token.'),
} satisfies Record<CamelCase<AccountVariable>, z.ZodType>

/** The settings of one account. They are parsed one by one, so that one problem hides no other. */
export const accountSettingsSchema = z
  .strictObject({
    name: accountName.describe('The name of the account in commands, logs and tables.'),
    ...settings,
    ...accountJobsSchema.shape,
  })
  // The rules between settings that JSON Schema can express; the reader of a login checks and explains them all.
  .meta({ anyOf: [{ required: ['oidcIssuer'] }, { required: ['tokenUrl'] }] })

/** The content of `ACCOUNTS_FILE`; its JSON Schema is generated from this. */
export const accountsFileSchema = z
  .strictObject({
    $schema: z.string().optional().describe('For editors.'),
    accounts: z.array(accountSettingsSchema).min(1, 'must hold at least one account'),
  })
  .meta({ title: 'ACCOUNTS_FILE of hasura-sync-worker', description: 'The accounts that the worker logs in as.' })
