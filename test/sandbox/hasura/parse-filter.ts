import { always, type BoolExp, isOperator, type Operand } from './bool-exp.ts'
import type { Column } from './catalog.ts'
import { type Filter, getRoleTable, getSqlColumn, type RoleModel, type RoleTable } from './role-model.ts'

/** A permission's condition: Hasura's own boolean expressions, with session variables as values. */
export function parseFilter(filter: Filter, table: RoleTable, model: RoleModel): BoolExp {
  const parts = Object.entries(filter).map(([key, value]): BoolExp => {
    switch (key) {
      case '_and':
      case '_or':
        return {
          kind: key === '_and' ? 'and' : 'or',
          of: list(value).map(part => parseFilter(record(part), table, model)),
        }
      case '_not':
        return { kind: 'not', of: parseFilter(record(value), table, model) }
    }
    const relationship = table.relationships.get(key)
    if (relationship !== undefined) {
      return {
        kind: 'related',
        relationship,
        of: parseFilter(record(value), getRoleTable(model, relationship.target), model),
      }
    }
    return parseComparison(getSqlColumn(table.table, key), record(value))
  })
  return parts.length === 0 ? always : { kind: 'and', of: parts }
}

function parseComparison(column: Column, comparison: Filter): BoolExp {
  const parts = Object.entries(comparison).map(([operator, value]): BoolExp => {
    if (operator === '_is_null') return { kind: 'null', column, isNull: value === true }
    if (operator === '_in' || operator === '_nin') {
      return { kind: 'in', column, negated: operator === '_nin', values: list(value).map(presetOperand) }
    }
    if (!isOperator(operator))
      throw new Error(`a permission uses the operator ${operator}, which the sandbox doesn't know`)
    return { kind: 'compare', column, operator, value: presetOperand(value) }
  })
  return { kind: 'and', of: parts }
}

/** A value in the metadata: text that begins with `x-hasura-` (in any case) names a session variable. */
export function presetOperand(value: unknown): Operand {
  if (typeof value === 'string' && /^x-hasura-/i.test(value)) return { sessionVariable: value.toLowerCase() }
  return { text: typeof value === 'string' ? value : JSON.stringify(value) }
}

function record(value: unknown): Filter {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return Object.fromEntries(Object.entries(value))
  throw new Error(`expected an object in a permission, found ${JSON.stringify(value)}`)
}

function list(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value
  throw new Error(`expected a list in a permission, found ${JSON.stringify(value)}`)
}
