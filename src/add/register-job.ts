import { ConfigError, ConflictError } from '../errors.ts'
import { renderList } from './render-list.ts'

export const listFile = 'src/jobs/list.ts'

/**
 * The job list with one job more: its import in its place, and its constant at the end of `syncs`.
 *
 * @throws ConflictError when the list knows the constant already
 * @throws ConfigError when the list has no `syncs`
 */
export function registerJob(list: string, constant: string, module: string): string {
  if (new RegExp(`\\b${constant}\\b`).test(list)) {
    throw new ConflictError({ found: `${listFile} knows ${constant} already`, remedy: 'take it out first' })
  }
  return addImport(addToSyncs(list, constant), `import { ${constant} } from '${module}'\n`, module)
}

function addToSyncs(list: string, constant: string): string {
  const [found, before = '', elements = '', after = ''] =
    /^((?:export )?const syncs\b[^=\n]*= *)\[([^[\]]*)\]( as const)?/m.exec(list) ?? []
  if (found === undefined) {
    throw new ConfigError([
      {
        found: `${listFile} has no list \`const syncs = [ … ]\` to put ${constant} into`,
        remedy: 'write one there, which `jobs` holds',
      },
    ])
  }
  // Comments can't be put onto one line with what follows them.
  if (/\/[/*]/.test(elements)) {
    const behind = elements.trimEnd()
    const comma = /(?:,|\*\/|\/\/.*)$/.test(behind) ? '' : ','
    return list.replace(found, () => `${before}[${behind}${comma}\n  ${constant},\n]${after}`)
  }
  const names = elements
    .split(',')
    .map(element => element.trim())
    .filter(element => element !== '')
  return list.replace(found, () => renderList(before, [...names, constant], after))
}

function addImport(list: string, statement: string, module: string): string {
  const imports = [...list.matchAll(/^import\s[^;]*?from\s+'([^']+)';?\n/gm)]
  const next = imports.find(([, other = '']) => other.startsWith('./') && compare(other, module) > 0)
  const last = imports.at(-1)
  const at = next?.index ?? (last ? last.index + last[0].length : 0)
  return `${list.slice(0, at)}${statement}${list.slice(at)}`
}

/** As the formatter has it: a name before a longer one that begins with it. */
function compare(a: string, b: string): number {
  const [stemOfA, stemOfB] = [a, b].map(module => module.replace(/\.ts$/, ''))
  return (stemOfA ?? '').localeCompare(stemOfB ?? '', 'en', { numeric: true })
}
