import { existsSync } from 'node:fs'
import type { KeycloakOptions } from './keycloak.ts'

/**
 * What a Keycloak with Phase Two's organizations needs beside KEYCLOAK_HOME: the extension's jars in PHASE_TWO_PROVIDERS, and a
 * Java 21 or later, which JAVA21_HOME names where the one in PATH is older. Undefined where it can't be had.
 */
export const phaseTwo: KeycloakOptions | undefined = findPhaseTwo()

function findPhaseTwo(): KeycloakOptions | undefined {
  const { PHASE_TWO_PROVIDERS: providersFolder, JAVA21_HOME: javaHome } = process.env
  if (!providersFolder || !existsSync(providersFolder)) return undefined
  return { providersFolder, ...(javaHome && { javaHome }) }
}
