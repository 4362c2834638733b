import { z } from 'zod'
import type { ClaimsLocation } from '../account.ts'
import type { Told } from '../explanation.ts'
import { findJson } from '../json/parse-json.ts'
import { quoteValue } from './quote-value.ts'

/** The variables that locate Hasura's claims; in an accounts file the same names in camelCase. */
export const claimsVariables = [
  'HASURA_CLAIMS_NAMESPACE',
  'HASURA_CLAIMS_PATH',
  'HASURA_CLAIMS_FORMAT',
  'HASURA_CLAIMS_MAP',
] as const

type ClaimsVariable = (typeof claimsVariables)[number]

/**
 * @param label name of a variable in problems
 * @param problems gets every problem, with the name of its variable
 * @returns undefined when there is a problem
 */
export function readClaimsLocation(
  values: Readonly<Partial<Record<ClaimsVariable, string | undefined>>>,
  label: (variable: ClaimsVariable) => string,
  problems: Told[],
): ClaimsLocation | undefined {
  const { HASURA_CLAIMS_NAMESPACE: namespace, HASURA_CLAIMS_PATH: path, HASURA_CLAIMS_MAP: map } = values
  if (map) {
    const beside = claimsVariables.filter(variable => variable !== 'HASURA_CLAIMS_MAP' && values[variable])
    if (beside.length > 0) {
      problems.push({
        found: `${beside.map(label).join(', ')} would have no effect, because ${label('HASURA_CLAIMS_MAP')} is set, as in Hasura`,
        remedy: 'set one of them',
      })
    }
    return readMap(map, label('HASURA_CLAIMS_MAP'), problems)
  }
  const format = values.HASURA_CLAIMS_FORMAT || 'json'
  if (format !== 'json' && format !== 'stringified_json') {
    problems.push({
      found: `${label('HASURA_CLAIMS_FORMAT')} is ${quoteValue(format)}`,
      remedy: 'set it to json or stringified_json',
    })
    return undefined
  }
  return { namespace: namespace || 'https://hasura.io/jwt/claims', ...(path && { path }), format }
}

function readMap(text: string, label: string, problems: Told[]): ClaimsLocation | undefined {
  const json = findJson(text)
  if (json === undefined) {
    problems.push({
      found: `${label} is not valid JSON`,
      remedy: 'copy claims_map again; JSON has no comma before } and no \\ before $',
    })
    return undefined
  }
  if (typeof json === 'object' && json !== null && 'claims_map' in json) {
    problems.push({
      found: `${label} holds more than claims_map`,
      remedy: 'set it to the object after "claims_map" only',
    })
    return undefined
  }
  const read = mapSchema.safeParse(json)
  if (read.success) return { map: read.data }
  for (const { path, message } of read.error.issues) {
    problems.push(`${[label, ...path.map(String)].join('.')}: ${message}`)
  }
  return undefined
}

/** The claims that Hasura's configuration must name. */
export const roleClaims: readonly string[] = ['x-hasura-allowed-roles', 'x-hasura-default-role']

function claimSchema(value: z.ZodType<string | string[]>) {
  return z.union([z.strictObject({ path: z.string().min(1), default: value.exactOptional() }), value])
}

const textClaim = { schema: claimSchema(z.string()), form: 'a text' }
const rolesClaim = { schema: claimSchema(z.array(z.string()).min(1)), form: 'a list of roles' }

/** The shape of a map for the JSON Schema; the reader reports problems claim by claim. */
export const claimsMapShape = z.record(z.string(), z.union([textClaim.schema, rolesClaim.schema]))

/** `claims_map` as Hasura accepts it; names are case-insensitive. */
const mapSchema = z
  .record(
    z.string(),
    z.unknown(),
    'must be a JSON object of claims, such as {"x-hasura-user-id": {"path": "$.sub"}, …}',
  )
  .transform((map, context) => {
    const entries = Object.entries(map).flatMap(([name, mapped]) => {
      const lower = name.toLowerCase()
      const report = (message: string) => context.addIssue({ code: 'custom', path: [name], message })
      if (!lower.startsWith('x-hasura-')) report('is not a session variable: its name must begin with x-hasura-')
      const { schema, form } = lower === 'x-hasura-allowed-roles' ? rolesClaim : textClaim
      const read = schema.safeParse(mapped)
      if (!read.success) report(`must be ${form}, or {"path": "$.…"}, optionally with such a "default"`)
      return read.success ? [[name, read.data] as const] : []
    })
    const names = new Set(Object.keys(map).map(name => name.toLowerCase()))
    for (const role of roleClaims) {
      if (!names.has(role)) context.addIssue({ code: 'custom', message: `lacks "${role}", which Hasura requires` })
    }
    return Object.fromEntries(entries)
  })
