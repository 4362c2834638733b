import type { z } from 'zod'
import type { Account } from '../account.ts'
import type { Environment } from '../config/config.ts'
import { variableOfSetting } from '../config/setting-name.ts'
import { RefusalError } from '../errors.ts'
import { codeOfFile } from '../failures/file-failure.ts'
import { parseSafely } from '../failures/parse-safely.ts'
import { isTellable } from '../failures/secret-file.ts'
import { ownValue } from '../names/own-value.ts'
import type { JobDefinition } from './define-job.ts'

/** Where settings of jobs come from, besides the account. */
export interface SettingsSource {
  readonly env: Environment
  readonly readSecretFile: (path: string) => Promise<string>
}

/** As strings, by the names in the job's schema, which parses them. */
export interface JobSettings {
  readonly values: Readonly<Record<string, string>>
  /** The values that must not be logged: those from a file, or whose name suggests a secret. */
  readonly secrets: readonly string[]
}

/**
 * Reads the `settings` of a job. This happens for each run, so that a secret's file may change while the worker runs.
 *
 * @throws RefusalError (`settings`) for only this job; it names every variable and no value
 */
export async function readJobSettings(
  job: JobDefinition,
  account: Pick<Account, 'name' | 'settings'>,
  source: SettingsSource,
): Promise<JobSettings> {
  const { settings } = job
  if (!settings) return { values: {}, secrets: [] }
  if (typeof settings.shape !== 'object') {
    throw new RefusalError('settings', 'job', {
      found: `The settings of job "${job.name}" are no z.object(), so their names are unknown`,
      remedy: 'declare them in a z.object(), and put transforms on its properties',
    })
  }
  const found = await Promise.all(Object.keys(settings.shape).map(name => readSetting(name, account, source)))
  const values = Object.fromEntries(found.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]])))
  const unread = found.flatMap(({ label, problem }) => (problem === undefined ? [] : [`${label} ${problem}`]))
  const problems = unread.length > 0 ? unread : findProblems(settings, values, found)
  if (problems.length > 0) {
    throw new RefusalError('settings', 'job', {
      found: `Job "${job.name}" can't run for account "${account.name}" (${problems.join('; ')})`,
      remedy: `set them in the environment, or under "settings" of the account in ACCOUNTS_FILE`,
    })
  }
  const secrets = found.flatMap(({ value, isSecret }) => (value !== undefined && isSecret ? [value] : []))
  return { values, secrets }
}

/** The names of all settings that these jobs declare. */
export function settingNamesOf(jobs: Iterable<Pick<JobDefinition, 'settings'>>): ReadonlySet<string> {
  return new Set([...jobs].flatMap(job => Object.keys(job.settings?.shape ?? {})))
}

interface Setting {
  readonly name: string
  /** How messages name it. */
  readonly label: string
  readonly value?: string
  readonly problem?: string
  readonly isSecret: boolean
}

/** Where a setting is given: directly, or in a file. */
export type SettingPlace =
  | { readonly label: string; readonly path: string }
  | { readonly label: string; readonly value: string }

/** The one source that applies: the account takes precedence over the environment, a file over a value beside it. */
export function findSetting(
  name: string,
  { settings = {} }: Pick<Account, 'settings'>,
  env: Environment,
): SettingPlace | undefined {
  const variable = variableOfSetting(name)
  const places = [
    { values: settings, value: name, file: `${name}File`, prefix: 'settings.' },
    { values: env, value: variable, file: `${variable}_FILE`, prefix: '' },
  ]
  for (const { values, value, file, prefix } of places) {
    const path = ownValue(values, file)?.trim()
    if (path) return { label: `${prefix}${file}`, path }
    const given = ownValue(values, value)?.trim()
    if (given) return { label: `${prefix}${value}`, value: given }
  }
  return undefined
}

async function readSetting(name: string, account: Pick<Account, 'settings'>, source: SettingsSource): Promise<Setting> {
  const place = findSetting(name, account, source.env)
  if (!place) return { name, label: variableOfSetting(name), isSecret: false }
  if ('value' in place) return { name, ...place, isSecret: secretName.test(name) }
  return { name, ...(await readFileSetting(place.label, place.path, source)), isSecret: true }
}

const secretName = /secret|token|password|credential|key/i

async function readFileSetting(
  label: string,
  path: string,
  { readSecretFile }: SettingsSource,
): Promise<Pick<Setting, 'label' | 'value' | 'problem'>> {
  try {
    const value = (await readSecretFile(path)).trim()
    return value === '' ? { label, problem: `names ${path}, which is empty` } : { label, value }
  } catch (error) {
    const code = codeOfFile(error)
    return {
      label,
      problem: isTellable(path, code)
        ? `names ${path}, which can't be read (${code})`
        : `must be the path of a file, and no file has the name that is set (${code})`,
    }
  }
}

function findProblems(
  schema: z.ZodType,
  values: Readonly<Record<string, string>>,
  found: readonly Setting[],
): readonly string[] {
  const { error } = parseSafely(schema, values)
  if (!error) {
    return found
      .filter(({ name, value }) => saysFalse.test(value ?? '') && isTrueAnyway(schema, values, name))
      .map(({ label }) => `${label} says no, but its schema takes any text for true: declare it as z.stringbool()`)
  }
  return error.issues.map(({ path, message }) => {
    const setting = found.find(({ name }) => name === path[0])
    if (!setting) return message
    return setting.value === undefined ? `${setting.label} is missing` : `${setting.label} is invalid: ${message}`
  })
}

/** What `z.stringbool()` takes for false, and `z.coerce.boolean()` for true. */
const saysFalse = /^(?:false|0|no|off|n|disabled)$/i

function isTrueAnyway(schema: z.ZodType, values: Readonly<Record<string, string>>, name: string): boolean {
  return [values, { ...values, [name]: 'true' }].every(given => {
    const parsed = parseSafely(schema, given)
    return parsed.success && Object(parsed.data)[name] === true
  })
}
