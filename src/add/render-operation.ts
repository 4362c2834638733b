import type { JobNames } from './job-names.ts'
import type { RootField } from './root-field.ts'
import type { RowColumn } from './row-columns.ts'

/** Renders the operation that pulls all columns: those of the key first, then the others in the SDL's order. */
export function renderOperation(root: RootField, { operation }: JobNames, key: readonly RowColumn[]): string {
  const { where, orderBy, limit } = root
  const [list = '', ...namespaces] = root.name.split('.').toReversed()
  const columns = [...key, ...root.columns.filter(column => !key.includes(column))]
  const rows = block(
    `${list}(${where.name}: $where, ${orderBy.name}: $order_by, ${limit.name}: $limit)`,
    columns.map(({ name, mirrorName }) => (name === mirrorName ? name : `${mirrorName}: ${name}`)),
  )
  const query = `query ${operation}($where: ${where.variableType}, $order_by: ${orderBy.variableType}, $limit: ${limit.variableType})`
  const lines = block(
    query,
    namespaces.reduce((inner, namespace) => block(namespace, inner), rows),
  )
  return `${lines.join('\n')}\n`
}

function block(head: string, lines: readonly string[]): readonly string[] {
  return [`${head} {`, ...lines.map(line => `  ${line}`), '}']
}
