/** A version of Semantic Versioning, without build metadata. */
export const versionPattern = /^\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?$/

/**
 * Moves the entries under Unreleased of the changelog (Keep a Changelog 1.1.0) under a version; an empty Unreleased remains.
 *
 * @param date of the release, as YYYY-MM-DD
 * @returns undefined when nothing is under Unreleased
 */
export function cutChangelog(changelog: string, version: string, date: string): string | undefined {
  const [heading] = /^## \[Unreleased\][ \t]*\n/m.exec(changelog) ?? []
  if (heading === undefined) return undefined
  const start = changelog.indexOf(heading) + heading.length
  const next = changelog.slice(start).search(/^(?:## |\[[^\]]+\]: )/m)
  const end = next === -1 ? changelog.length : start + next
  // Headings without entries don't count.
  const entries = changelog.slice(start, end).trim()
  if (entries.replaceAll(/^#.*$/gm, '').trim() === '') return undefined
  return `${changelog.slice(0, start)}\n## [${version}] - ${date}\n\n${entries}\n${end < changelog.length ? '\n' : ''}${changelog.slice(end)}`
}
