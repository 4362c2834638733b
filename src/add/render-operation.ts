import type { JobNames } from './job-names.ts'
import type { RootField } from './root-field.ts'

/** The operation that pulls all columns: first those of the key, then the others in the order of the SDL. */
export function renderOperation(root: RootField, { operation }: JobNames, key: readonly string[]): string {
  const rank = new Map(key.map((name, index) => [name, index - key.length]))
  const columns = root.columns.toSorted((a, b) => (rank.get(a.name) ?? 0) - (rank.get(b.name) ?? 0))
  const { where, orderBy, limit } = root
  return `query ${operation}($where: ${where.variableType}, $order_by: ${orderBy.variableType}, $limit: ${limit.variableType}) {
  ${root.name}(${where.name}: $where, ${orderBy.name}: $order_by, ${limit.name}: $limit) {
${columns.map(({ name, mirrorName }) => `    ${name === mirrorName ? name : `${mirrorName}: ${name}`}\n`).join('')}  }
}
`
}
