/**
 * Finds what a project's own `.gitignore` lets into the repository, such as a secret.
 *
 * @param wanted lines that ignore what must not get there
 * @returns the lines that it lacks
 */
export function findUnignored(wanted: string, existing: string): readonly string[] {
  const present = new Set(linesOf(existing).map(plain))
  return linesOf(wanted).filter(line => !present.has(plain(line)))
}

function linesOf(text: string): readonly string[] {
  return text
    .split('\n')
    .map(line => line.trim())
    .filter(line => line !== '' && !line.startsWith('#'))
}

/** `/.data`, `.data/` and `.data/**` ignore the same here. */
function plain(line: string): string {
  return line.replace(/^(?:\*\*)?\//, '').replace(/\/(?:\*\*?)?$/, '')
}
