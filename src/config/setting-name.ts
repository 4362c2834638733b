import type { Told } from '../explanation.ts'
import { settingVariables } from './config.ts'
import { accountVariables } from './read-account.ts'

/** `searchUrl` → `SEARCH_URL`. */
export function variableOfSetting(name: string): string {
  return name.replaceAll(/[A-Z]/g, letter => `_${letter}`).toUpperCase()
}

/** Finds why a job's setting can't have this name; undefined when it can. */
export function findSettingNameProblem(name: string): Told | undefined {
  if (!/^[a-z][a-zA-Z0-9]*$/.test(name) || name.endsWith('File')) {
    return `its setting "${name}" needs a name in camelCase that doesn't end with File`
  }
  const variable = variableOfSetting(name)
  const isOwn =
    ownVariables.has(variable) || ownVariables.has(`${variable}_FILE`) || variable.startsWith('KEYCLOAK_ADMIN_')
  return isOwn
    ? {
        found: `its setting "${name}" would read ${variable}, which the worker uses itself`,
        remedy: 'give it another name',
      }
    : undefined
}

/** A job that sends requests needs the worker's own setting of insecure hosts. */
const forEverybody = 'ALLOW_INSECURE_HOSTS'

const ownVariables: ReadonlySet<string> = new Set(
  [...accountVariables, ...settingVariables].filter(variable => variable !== forEverybody),
)
