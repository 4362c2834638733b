import type { Explanation } from '../explanation.ts'
import { nameOnDisk } from '../names/name-on-disk.ts'

/**
 * The value of `x-hasura-role`. Hasura reads the header's bytes as UTF-8, and `fetch` takes a text whose characters are these bytes (Web
 * IDL, `ByteString`).
 */
export function roleHeader(role: string): string {
  return Buffer.from(role, 'utf8').toString('latin1')
}

/** Finds why requests can't be made as a role; undefined when they can. */
export function findRoleProblem(role: string): Explanation | undefined {
  const what = describeFault(role)
  return what === undefined
    ? undefined
    : {
        found: `Role ${JSON.stringify(role.length > 60 ? `${role.slice(0, 60)}…` : role)} ${what}`,
        remedy: 'rename the role in Keycloak and in Hasura',
      }
}

/** A header has no control characters, and loses spaces at its ends (RFC 9110, section 5.5). */
function describeFault(role: string): string | undefined {
  if (role === '') return 'has no name'
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the pattern finds them
  if (/[\x00-\x1f\x7f]/.test(role)) return "holds a control character, which can't be sent in a header"
  if (/^ | $/.test(role)) return 'begins or ends with a space, which a header loses'
  if (!role.isWellFormed()) return 'holds a lone surrogate, which UTF-8 cannot encode'
  const bytes = Buffer.byteLength(schemaFileName(role))
  if (bytes > longestFileName) {
    return `needs a file name of ${bytes} bytes for its schema, but file systems allow ${longestFileName}`
  }
  return undefined
}

const longestFileName = 255

/**
 * The file name of a role's schema. Characters with a meaning in file systems are percent-encoded, so that no role reaches another folder
 * or a device of Windows.
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

/** @param folder of the schemas */
export function schemaFileUrl(folder: URL, role: string): URL {
  return new URL(encodeURIComponent(schemaFileName(role)), folder)
}

/** Finds roles whose schemas would be the same file on macOS or Windows. */
export function findTwinRoles(roles: Iterable<string>): readonly (readonly string[])[] {
  const byFile = Map.groupBy(new Set(roles), role => nameOnDisk(schemaFileName(role)))
  return [...byFile.values()].filter(twins => twins.length > 1)
}
