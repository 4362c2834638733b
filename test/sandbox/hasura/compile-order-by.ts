import { boolExpToSql, joinToSql } from './bool-exp.ts'
import type { SelectContext } from './compile-select.ts'
import type { Input } from './parse-input.ts'
import { selectFilter } from './parse-where.ts'
import { listItems, objectFields } from './read-input.ts'
import { getRoleTable, type Relationship, type RoleTable } from './role-model.ts'
import { columnOf, identifier, tableName } from './sql-builder.ts'

const directions: Readonly<Record<string, string>> = {
  asc: 'ASC NULLS LAST',
  asc_nulls_first: 'ASC NULLS FIRST',
  asc_nulls_last: 'ASC NULLS LAST',
  desc: 'DESC NULLS FIRST',
  desc_nulls_first: 'DESC NULLS FIRST',
  desc_nulls_last: 'DESC NULLS LAST',
}

function getDirection(name: string): string {
  const direction = directions[name]
  if (direction === undefined) throw new Error(`unknown order ${name}`)
  return direction
}

export interface OrderItem {
  readonly expression: string
  /** `ASC NULLS LAST` and the like. */
  readonly direction: string
  /** The column of the table itself that this sorts by, when it is one. */
  readonly column?: string
}

export function compileOrderBy(
  orderBy: Input | undefined,
  table: RoleTable,
  alias: string,
  context: SelectContext,
): OrderItem[] {
  return listItems(orderBy).flatMap(item => compileFields(item, table, alias, context))
}

function compileFields(item: Input, table: RoleTable, alias: string, context: SelectContext): OrderItem[] {
  return [...objectFields(item)].flatMap(([key, value]): OrderItem[] => {
    if (value.kind === 'enum')
      return [{ expression: columnOf(alias, key), direction: getDirection(value.name), column: key }]
    if (value.kind === 'null') return []
    const relationship = table.relationships.get(key)
    if (relationship !== undefined) return throughObject(relationship, value, alias, context)
    const counted = table.relationships.get(key.replace(/_aggregate$/, ''))
    if (counted === undefined) throw new Error(`nothing to order by called ${key}`)
    return byAggregate(counted, value, alias, context)
  })
}

/** Sorting by a related row's column: that column, looked up for each row. */
function throughObject(relationship: Relationship, value: Input, alias: string, context: SelectContext): OrderItem[] {
  const target = getRoleTable(context.model, relationship.target)
  const remote = context.sql.alias()
  return compileFields(value, target, remote, context).map(({ expression, direction }) => ({
    expression: `(SELECT ${expression} ${from(relationship, target, alias, remote, context)})`,
    direction,
  }))
}

function byAggregate(relationship: Relationship, value: Input, alias: string, context: SelectContext): OrderItem[] {
  const target = getRoleTable(context.model, relationship.target)
  return [...objectFields(value)].flatMap(([fn, order]): OrderItem[] => {
    const expressions: [(remote: string) => string, Input][] =
      fn === 'count'
        ? [[() => 'count(*)', order]]
        : [...objectFields(order)].map(([column, direction]) => [
            remote => `${fn}(${columnOf(remote, column)})`,
            direction,
          ])
    return expressions.flatMap(([expression, direction]) => {
      if (direction.kind !== 'enum') return []
      const remote = context.sql.alias()
      const value = `(SELECT ${expression(remote)} ${from(relationship, target, alias, remote, context)})`
      return [{ expression: value, direction: getDirection(direction.name) }]
    })
  })
}

function from(
  relationship: Relationship,
  target: RoleTable,
  local: string,
  remote: string,
  context: SelectContext,
): string {
  const filter = boolExpToSql(selectFilter(target, context.model), remote, context.sql, context.session)
  return `FROM ${tableName(relationship.target)} AS ${identifier(remote)} WHERE ${joinToSql(relationship, local, remote)} AND ${filter}`
}
