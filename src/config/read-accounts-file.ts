import { z } from 'zod'
import type { Account } from '../account.ts'
import type { Told } from '../explanation.ts'
import { accountSettingsSchema, accountsFileSchema, type CamelCase } from './accounts-file-schema.ts'
import { type AccountVariable, accountVariables, readAccount } from './read-account.ts'
import { readAccountJobs } from './read-account-jobs.ts'

/** Only the list: accounts are read one by one, so that all problems are reported together. */
const outlineSchema = accountsFileSchema.extend({
  accounts: z
    .array(z.record(z.string(), z.unknown(), 'must be the settings of one account'), 'must be a list of accounts')
    .min(1, 'must hold at least one account'),
})

/**
 * @param content the parsed content of `ACCOUNTS_FILE`
 * @param problems gets every problem, with its path in the file
 */
export function readAccountsFile(
  content: unknown,
  insecureHosts: readonly string[],
  problems: Told[],
): readonly Account[] {
  const parsed = outlineSchema.safeParse(content, {
    error: issue => (issue.code === 'invalid_type' ? 'must be an object with a list `accounts`' : undefined),
  })
  if (!parsed.success) {
    for (const issue of parsed.error.issues) {
      problems.push(`ACCOUNTS_FILE ${issue.path.join('.') || 'as a whole'}: ${lowerFirst(issue.message)}`)
    }
    return []
  }
  const names = new Set<string>()
  return parsed.data.accounts.flatMap((settings, index) => {
    const label = accountLabel(index)
    const name = readName(settings.name, label, names, problems)
    const values = readValues(settings, label, problems)
    const account = readAccount(name, values, variable => `${label}.${camelCase(variable)}`, insecureHosts, problems)
    const own = readAccountJobs(settings, label, problems)
    return account ? [{ ...account, ...own }] : []
  })
}

/** The name of an account of the file in problems. */
export function accountLabel(index: number): string {
  return `ACCOUNTS_FILE accounts.${index}`
}

function readName(given: unknown, label: string, names: Set<string>, problems: Told[]): string {
  const { data: name = '', error } = accountSettingsSchema.shape.name.safeParse(given)
  const remedy = quoteIt(accountSettingsSchema.shape.name, given)
  if (error) problems.push({ found: `${label}.name: ${error.issues[0]?.message}`, remedy })
  else if (names.has(name)) problems.push(`${label}.name: "${name}" occurs twice`)
  names.add(name)
  return name
}

/** YAML reads `123`, `1e3` and `true` as numbers and booleans. */
function quoteIt(schema: z.ZodType, value: unknown): string | undefined {
  const isBare = ['number', 'bigint', 'boolean'].includes(typeof value)
  return isBare && schema.safeParse(String(value)).success ? 'enclose it in quotes' : undefined
}

function readValues(
  settings: Readonly<Record<string, unknown>>,
  label: string,
  problems: Told[],
): Partial<Record<AccountVariable, string>> {
  const values: Partial<Record<AccountVariable, string>> = {}
  for (const [key, value] of Object.entries(settings)) {
    const variable = variables.get(key)
    if (!variable) {
      if (Object.hasOwn(accountSettingsSchema.shape, key)) continue
      problems.push(`${label}.${key}: an account has no such setting`)
    } else if (variable === 'HASURA_CLAIMS_MAP') {
      // The reader of the claims map reports problems claim by claim.
      values[variable] = typeof value === 'string' ? value : JSON.stringify(value)
    } else {
      const schema = accountSettingsSchema.shape[camelCase(variable)]
      const { data, error } = schema.safeParse(value)
      const remedy = error && quoteIt(schema, value)
      if (error) problems.push({ found: `${label}.${key}: ${error.issues[0]?.message}`, remedy })
      // It is there: that it is missing would be a second, wrong problem.
      const given = remedy === undefined ? data : value
      if (given !== undefined) values[variable] = String(given)
    }
  }
  return values
}

const variables: ReadonlyMap<string, AccountVariable> = new Map(
  accountVariables.map(variable => [camelCase(variable), variable]),
)

function camelCase<T extends AccountVariable>(variable: T): CamelCase<T> {
  return variable.toLowerCase().replace(/_(\w)/g, (_all, letter: string) => letter.toUpperCase()) as CamelCase<T>
}

function lowerFirst(text: string): string {
  return text.slice(0, 1).toLowerCase() + text.slice(1)
}
