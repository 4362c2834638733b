import { ConfigError, ConflictError } from '../errors.ts'
import { renderList } from './render-list.ts'

export const listFile = 'src/jobs/list.ts'

/**
 * Adds a job to the job list: its import in order, its constant at the end of `syncs`.
 *
 * @throws ConflictError when the list already has the constant
 * @throws ConfigError when the list has no `syncs`
 */
export function registerJob(list: string, constant: string, module: string): string {
  if (new RegExp(`\\b${constant}\\b`).test(list)) {
    throw new ConflictError({ found: `${listFile} already has ${constant}`, remedy: 'remove it first' })
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
        remedy: 'add such a list there and include it in `jobs`',
      },
    ])
  }
  // A comment can't share a line with what follows it.
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

/** The formatter's order: a name precedes a longer one that begins with it. */
function compare(a: string, b: string): number {
  const [stemOfA, stemOfB] = [a, b].map(module => module.replace(/\.ts$/, ''))
  return (stemOfA ?? '').localeCompare(stemOfB ?? '', 'en', { numeric: true })
}
