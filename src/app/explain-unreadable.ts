import { statSync } from 'node:fs'
import { isError } from '../errors.ts'

const refusal = /^(?:EACCES: permission denied, \w+ '(.+)'|Cannot read package config (.+): permission denied\.)$/

/**
 * Tells of a file that this process may not read, such as one that was written with umask 077 and copied into an image.
 *
 * @returns undefined for another error
 */
export function explainUnreadable(error: unknown, shorten: (text: string) => string): string | undefined {
  const [, path, manifest] = (isError(error) && refusal.exec(error.message)) || []
  const file = path ?? manifest
  if (file === undefined) return undefined
  const remedy = 'let the user of this process read the project (chmod -R a+rX src graphql package.json)'
  return `${shorten(file)} can't be read, because the permission is missing (EACCES): ${remedy}, also before you build an image of it.`
}

/** @throws the system's error if a folder above refuses to tell */
export function isThere(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined
}
