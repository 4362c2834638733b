import { always, type BoolExp, isOperator } from './bool-exp.ts'
import type { Column } from './catalog.ts'
import { parseFilter } from './parse-filter.ts'
import type { Input } from './parse-input.ts'
import { listItems, objectFields, presentText } from './read-input.ts'
import { getColumn, getRoleTable, type RoleModel, type RoleTable } from './role-model.ts'

/** A request's `where`. What it reaches through a relationship is subject to the role's filter there. */
export function parseWhere(where: Input | undefined, table: RoleTable, model: RoleModel): BoolExp {
  const parts = [...objectFields(where)].map(([key, value]): BoolExp => {
    switch (key) {
      case '_and':
      case '_or':
        return { kind: key === '_and' ? 'and' : 'or', of: listItems(value).map(part => parseWhere(part, table, model)) }
      case '_not':
        return { kind: 'not', of: parseWhere(value, table, model) }
    }
    const relationship = table.relationships.get(key)
    if (relationship === undefined) return parseComparison(getColumn(table.table, key), value)
    const target = getRoleTable(model, relationship.target)
    return {
      kind: 'related',
      relationship,
      of: { kind: 'and', of: [selectFilter(target, model), parseWhere(value, target, model)] },
    }
  })
  return parts.length === 0 ? always : { kind: 'and', of: parts }
}

export function selectFilter(table: RoleTable, model: RoleModel): BoolExp {
  return table.select === undefined ? always : parseFilter(table.select.filter, table, model)
}

/** The row with the given key. */
export function keyCondition(fields: ReadonlyMap<string, Input>, table: RoleTable): BoolExp {
  return {
    kind: 'and',
    of: table.table.primaryKey.map(name => {
      const column = getColumn(table.table, name)
      const value = fields.get(name)
      if (value === undefined) throw new Error(`the key lacks ${name}`)
      return { kind: 'compare', column, operator: '_eq', value: { text: presentText(value, column.type) } }
    }),
  }
}

function parseComparison(column: Column, comparison: Input): BoolExp {
  const parts = [...objectFields(comparison)].map(([operator, value]): BoolExp => {
    switch (operator) {
      case '_is_null':
        return { kind: 'null', column, isNull: presentText(value, 'bool') === 'true' }
      case '_in':
      case '_nin':
        return { kind: 'in', column, negated: operator === '_nin', values: texts(value, column.type) }
      case '_has_keys_any':
      case '_has_keys_all':
        return {
          kind: 'keys',
          column,
          operator: operator === '_has_keys_any' ? '?|' : '?&',
          keys: texts(value, 'text'),
        }
      case '_cast':
        return parseCast(column, value)
    }
    if (!isOperator(operator)) throw new Error(`unknown operator ${operator}`)
    const type = operator === '_has_key' ? 'text' : column.type
    return { kind: 'compare', column, operator, value: { text: presentText(value, type) } }
  })
  return { kind: 'and', of: parts }
}

/** `{ _cast: { String: { _like: "…" } } }`: a jsonb column compared as text. */
function parseCast(column: Column, cast: Input): BoolExp {
  const text = objectFields(cast).get('String')
  return text === undefined ? always : parseComparison({ ...column, type: 'text', asText: true }, text)
}

const texts = (list: Input, type: string) => listItems(list).map(item => ({ text: presentText(item, type) }))
