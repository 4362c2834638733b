import type { JobNames } from './job-names.ts'
import type { RootField } from './root-field.ts'

/** The operation that pulls all columns: first those of the key, then the others in the order of the SDL. */
export function renderOperation(root: RootField, { operation }: JobNames, key: readonly string[]): string {
  const others = root.columns.map(({ name }) => name).filter(name => !key.includes(name))
  const { where, orderBy, limit } = root
  return `query ${operation}($where: ${where.variableType}, $order_by: ${orderBy.variableType}, $limit: ${limit.variableType}) {
  ${root.name}(${where.name}: $where, ${orderBy.name}: $order_by, ${limit.name}: $limit) {
${[...key, ...others].map(name => `    ${name}\n`).join('')}  }
}
`
}
