import type { Explanation } from '../errors.ts'
import { nameOnDisk } from '../names/name-on-disk.ts'

/**
 * The value of `x-hasura-role`. A header holds bytes, which Hasura reads as UTF-8, and `fetch` takes a text whose characters are
 * these bytes (`ByteString` of Web IDL).
 */
export function roleHeader(role: string): string {
  return Buffer.from(role, 'utf8').toString('latin1')
}

/** What keeps a role from being asked as; undefined for one that can be. */
export function findRoleProblem(role: string): Explanation | undefined {
  const what = describeFault(role)
  return what === undefined
    ? undefined
    : {
        found: `Role ${JSON.stringify(role.length > 60 ? `${role.slice(0, 60)}…` : role)} ${what}`,
        remedy: 'give the role another name in Keycloak and in Hasura',
      }
}

/** A header has no control characters, and loses spaces at its ends (RFC 9110, section 5.5). */
function describeFault(role: string): string | undefined {
  if (role === '') return 'has no name'
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\x00-\x1f\x7f]/.test(role)) return "holds a control character, which can't be sent in a header"
  if (/^ | $/.test(role)) return 'begins or ends with a space, which a header loses'
  if (!role.isWellFormed()) return 'holds half of a surrogate pair, which has no bytes'
  const bytes = Buffer.byteLength(schemaFileName(role))
  if (bytes > longestFileName) {
    return `needs a file name of ${bytes} bytes for its schema, and file systems take ${longestFileName}`
  }
  return undefined
}

const longestFileName = 255

/**
 * The file of a role's schema. What a file system may take for something else than a part of a name is written as in URLs, so
 * that no role reaches another folder, or a device of Windows.
 */
export function schemaFileName(role: string): string {
  const safe = role.replaceAll(
    /[^\p{L}\p{M}\p{N}_. -]|^\.|^(?=(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$))./giu,
    percentEncode,
  )
  return `${safe}.graphql`
}

function percentEncode(text: string): string {
  return [...Buffer.from(text)].map(byte => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('')
}

/** @param folder where the schemas are */
export function schemaFileUrl(folder: URL, role: string): URL {
  return new URL(encodeURIComponent(schemaFileName(role)), folder)
}

/** Roles whose schemas would be one file on macOS or Windows. */
export function findTwinRoles(roles: Iterable<string>): readonly (readonly string[])[] {
  const byFile = Map.groupBy(new Set(roles), role => nameOnDisk(schemaFileName(role)))
  return [...byFile.values()].filter(twins => twins.length > 1)
}
