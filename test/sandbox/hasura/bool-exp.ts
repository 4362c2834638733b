import type { Column } from './catalog.ts'
import { HasuraError } from './hasura-error.ts'
import type { Relationship } from './role-model.ts'
import type { Session } from './session.ts'
import { columnOf, identifier, type SqlBuilder, tableName } from './sql-builder.ts'

/** A condition on a row, from a request or a permission. */
export type BoolExp =
  | { readonly kind: 'and' | 'or'; readonly of: readonly BoolExp[] }
  | { readonly kind: 'not'; readonly of: BoolExp }
  | { readonly kind: 'null'; readonly column: Column; readonly isNull: boolean }
  | {
      readonly kind: 'compare'
      readonly column: Column
      readonly operator: Operator
      readonly value: Operand
    }
  | { readonly kind: 'in'; readonly column: Column; readonly negated: boolean; readonly values: readonly Operand[] }
  | {
      readonly kind: 'keys'
      readonly column: Column
      readonly operator: '?|' | '?&'
      readonly keys: readonly Operand[]
    }
  | { readonly kind: 'related'; readonly relationship: Relationship; readonly of: BoolExp }

export type Operand = { readonly text: string } | { readonly sessionVariable: string }

export const always: BoolExp = { kind: 'and', of: [] }

const operators = {
  _eq: '=',
  _neq: '<>',
  _gt: '>',
  _gte: '>=',
  _lt: '<',
  _lte: '<=',
  _like: 'LIKE',
  _nlike: 'NOT LIKE',
  _ilike: 'ILIKE',
  _nilike: 'NOT ILIKE',
  _similar: 'SIMILAR TO',
  _nsimilar: 'NOT SIMILAR TO',
  _regex: '~',
  _iregex: '~*',
  _nregex: '!~',
  _niregex: '!~*',
  _contains: '@>',
  _contained_in: '<@',
  _has_key: '?',
} as const

export type Operator = keyof typeof operators

export const isOperator = (name: string): name is Operator => Object.hasOwn(operators, name)

export function boolExpToSql(exp: BoolExp, alias: string, sql: SqlBuilder, session: Session): string {
  switch (exp.kind) {
    case 'and':
    case 'or': {
      if (exp.of.length === 0) return exp.kind === 'and' ? 'true' : 'false'
      return `(${exp.of.map(part => boolExpToSql(part, alias, sql, session)).join(exp.kind === 'and' ? ' AND ' : ' OR ')})`
    }
    case 'not':
      return `(NOT ${boolExpToSql(exp.of, alias, sql, session)})`
    case 'null':
      return `(${columnToSql(exp.column, alias)} IS ${exp.isNull ? '' : 'NOT '}NULL)`
    case 'compare': {
      const column = columnToSql(exp.column, alias)
      const type = exp.operator === '_has_key' ? 'text' : exp.column.type
      return `(${column} ${operators[exp.operator]} ${operandToSql(exp.value, type, sql, session)})`
    }
    case 'in': {
      if (exp.values.length === 0) return exp.negated ? 'true' : 'false'
      const values = exp.values.map(value => operandToSql(value, exp.column.type, sql, session))
      return `(${columnToSql(exp.column, alias)} ${exp.negated ? 'NOT IN' : 'IN'} (${values.join(', ')}))`
    }
    case 'keys': {
      const keys = exp.keys.map(key => operandToSql(key, 'text', sql, session))
      return `(${columnToSql(exp.column, alias)} ${exp.operator} ARRAY[${keys.join(', ')}]::text[])`
    }
    case 'related': {
      const target = sql.alias()
      const { relationship } = exp
      const condition = boolExpToSql(exp.of, target, sql, session)
      return `EXISTS (SELECT 1 FROM ${tableName(relationship.target)} AS ${identifier(target)} WHERE ${joinToSql(relationship, alias, target)} AND ${condition})`
    }
  }
}

function columnToSql(column: Column, alias: string): string {
  const name = columnOf(alias, column.name)
  return column.asText ? `${name}::text` : name
}

export function joinToSql(relationship: Relationship, local: string, remote: string): string {
  return relationship.mapping
    .map(([here, there]) => `${columnOf(remote, there)} = ${columnOf(local, here)}`)
    .join(' AND ')
}

export function operandToSql(operand: Operand, type: string, sql: SqlBuilder, session: Session): string {
  if ('text' in operand) return sql.value(operand.text, type)
  const value = session.variables.get(operand.sessionVariable)
  if (value === undefined) throw new HasuraError('not-found', `missing session variable: "${operand.sessionVariable}"`)
  return sql.value(value, type)
}
