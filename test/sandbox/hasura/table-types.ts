import {
  GraphQLBoolean,
  type GraphQLEnumType,
  type GraphQLFieldConfig,
  type GraphQLFieldConfigArgumentMap,
  type GraphQLFieldConfigMap,
  GraphQLFloat,
  type GraphQLInputFieldConfigMap,
  type GraphQLInputObjectType,
  GraphQLInt,
  GraphQLList,
  GraphQLNonNull,
  type GraphQLObjectType,
  GraphQLString,
} from 'graphql'
import { aggregatedColumns, aggregateFunctions } from './aggregate-functions.ts'
import type { Column } from './catalog.ts'
import { comparisonType } from './comparison-types.ts'
import { withHints } from './input-hints.ts'
import { getRoleTable, type Relationship, type RoleModel, type RoleTable } from './role-model.ts'
import type { TypeRegistry } from './type-registry.ts'

type Fields = GraphQLFieldConfigMap<unknown, unknown>

/** The types to read one table with, as Hasura names them. */
export class TableTypes {
  readonly #types: TypeRegistry
  readonly #model: RoleModel
  constructor(types: TypeRegistry, model: RoleModel) {
    this.#types = types
    this.#model = model
  }

  /** `articles`: a row. */
  row(table: RoleTable): GraphQLObjectType {
    const { name } = table.table
    return this.#types.object(name, `columns and relationships of "${name}"`, () => {
      const fields: Fields = {}
      for (const column of selectColumns(table)) fields[column.name] = this.#columnField(column)
      for (const { relationship, target } of this.#selectable(table)) {
        if (relationship.kind === 'object') {
          const type = this.row(target)
          fields[relationship.name] = {
            type: relationship.nullable ? type : new GraphQLNonNull(type),
            description: 'An object relationship',
          }
          continue
        }
        fields[relationship.name] = {
          ...this.rowsField(target),
          description: 'An array relationship',
        }
        if (target.select?.aggregations) {
          fields[`${relationship.name}_aggregate`] = {
            ...this.aggregateField(target),
            description: 'An aggregate relationship',
          }
        }
      }
      return sorted(fields)
    })
  }

  rowsField(table: RoleTable): GraphQLFieldConfig<unknown, unknown> {
    return { type: nonNullList(this.row(table)), args: this.selectArguments(table) }
  }

  aggregateField(table: RoleTable): GraphQLFieldConfig<unknown, unknown> {
    const { name } = table.table
    const type = this.#types.object(`${name}_aggregate`, `aggregated selection of "${name}"`, () => ({
      aggregate: { type: this.#aggregateFields(table) },
      nodes: { type: nonNullList(this.row(table)) },
    }))
    return { type: new GraphQLNonNull(type), args: this.selectArguments(table) }
  }

  selectArguments(table: RoleTable): GraphQLFieldConfigArgumentMap {
    return {
      distinct_on: withHints(
        { type: listOf(this.selectColumn(table)), description: 'distinct select on columns' },
        { acceptsNull: true },
      ),
      limit: withHints(
        { type: GraphQLInt, description: 'limit the number of rows returned' },
        { acceptsNull: true, int: 'non-negative' },
      ),
      offset: withHints(
        { type: GraphQLInt, description: 'skip the first n rows. Use only with order_by' },
        { acceptsNull: true, int: 'big' },
      ),
      order_by: withHints(
        { type: listOf(this.orderBy(table)), description: 'sort the rows by one or more columns' },
        { acceptsNull: true },
      ),
      where: withHints({ type: this.boolExp(table), description: 'filter the rows returned' }, { acceptsNull: true }),
    }
  }

  boolExp(table: RoleTable): GraphQLInputObjectType {
    const { name } = table.table
    const description = `Boolean expression to filter rows from the table "${name}". All fields are combined with a logical 'AND'.`
    const type: GraphQLInputObjectType = this.#types.input(`${name}_bool_exp`, description, () => {
      const fields: GraphQLInputFieldConfigMap = {}
      for (const column of selectColumns(table)) {
        fields[column.name] = { type: comparisonType(this.#types, column.type) }
      }
      for (const { relationship, target } of this.#selectable(table)) {
        fields[relationship.name] = { type: this.boolExp(target) }
      }
      return { _and: { type: listOf(type) }, _not: { type }, _or: { type: listOf(type) }, ...sorted(fields) }
    })
    return type
  }

  orderBy(table: RoleTable): GraphQLInputObjectType {
    const { name } = table.table
    return this.#types.input(`${name}_order_by`, `Ordering options when selecting data from "${name}".`, () => {
      const fields: GraphQLInputFieldConfigMap = {}
      for (const column of selectColumns(table)) {
        fields[column.name] = withHints({ type: this.#orderByEnum() }, { acceptsNull: true })
      }
      for (const { relationship, target } of this.#selectable(table)) {
        if (relationship.kind === 'object') {
          fields[relationship.name] = withHints({ type: this.orderBy(target) }, { acceptsNull: true })
        } else if (target.select?.aggregations) {
          const type = this.#aggregateOrderBy(target)
          fields[`${relationship.name}_aggregate`] = withHints({ type }, { acceptsNull: true })
        }
      }
      return sorted(fields)
    })
  }

  selectColumn(table: RoleTable): GraphQLEnumType {
    const { name } = table.table
    const values = Object.fromEntries(selectColumns(table).map(column => [column.name, { description: 'column name' }]))
    return this.#types.enum(`${name}_select_column`, `select columns of table "${name}"`, sorted(values))
  }

  #columnField(column: Column): GraphQLFieldConfig<unknown, unknown> {
    const scalar = this.#types.scalar(column.type)
    const isJson = column.type === 'json' || column.type === 'jsonb'
    return {
      type: column.nullable ? scalar : new GraphQLNonNull(scalar),
      ...(isJson && { args: { path: { type: GraphQLString, description: 'JSON select path' } } }),
    }
  }

  #aggregateFields(table: RoleTable): GraphQLObjectType {
    const { name } = table.table
    return this.#types.object(`${name}_aggregate_fields`, `aggregate fields of "${name}"`, () => {
      const fields: Fields = {
        count: {
          type: new GraphQLNonNull(GraphQLInt),
          args: {
            columns: withHints({ type: listOf(this.selectColumn(table)) }, { acceptsNull: true }),
            distinct: withHints({ type: GraphQLBoolean }, { acceptsNull: true }),
          },
        },
      }
      for (const [fn, result] of Object.entries(aggregateFunctions)) {
        const columns = aggregatedColumns(fn, selectColumns(table))
        if (columns.length === 0) continue
        const type = this.#types.object(`${name}_${fn}_fields`, `aggregate ${fn} on columns`, () =>
          sorted(
            Object.fromEntries(
              columns.map(c => [c.name, { type: result === 'float' ? GraphQLFloat : this.#types.scalar(c.type) }]),
            ),
          ),
        )
        fields[fn] = { type }
      }
      return sorted(fields)
    })
  }

  #aggregateOrderBy(table: RoleTable): GraphQLInputObjectType {
    const { name } = table.table
    return this.#types.input(`${name}_aggregate_order_by`, `order by aggregate values of table "${name}"`, () => {
      const order = withHints({ type: this.#orderByEnum() }, { acceptsNull: true })
      const fields: GraphQLInputFieldConfigMap = { count: order }
      for (const fn of Object.keys(aggregateFunctions)) {
        const columns = aggregatedColumns(fn, selectColumns(table))
        if (columns.length === 0) continue
        const type = this.#types.input(`${name}_${fn}_order_by`, `order by ${fn}() on columns of table "${name}"`, () =>
          sorted(Object.fromEntries(columns.map(column => [column.name, order]))),
        )
        fields[fn] = withHints({ type }, { acceptsNull: true })
      }
      return sorted(fields)
    })
  }

  #orderByEnum(): GraphQLEnumType {
    return this.#types.enum('order_by', 'column ordering options', {
      asc: { description: 'in ascending order, nulls last' },
      asc_nulls_first: { description: 'in ascending order, nulls first' },
      asc_nulls_last: { description: 'in ascending order, nulls last' },
      desc: { description: 'in descending order, nulls first' },
      desc_nulls_first: { description: 'in descending order, nulls first' },
      desc_nulls_last: { description: 'in descending order, nulls last' },
    })
  }

  #selectable(table: RoleTable): { relationship: Relationship; target: RoleTable }[] {
    return [...table.relationships.values()].flatMap(relationship => {
      const target = getRoleTable(this.#model, relationship.target)
      return target.select === undefined ? [] : [{ relationship, target }]
    })
  }
}

export const selectColumns = (table: RoleTable): readonly Column[] => table.select?.columns ?? []

export const listOf = <T extends GraphQLEnumType | GraphQLInputObjectType>(type: T) =>
  new GraphQLList(new GraphQLNonNull(type))

export const nonNullList = (type: GraphQLObjectType) => new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(type)))

/** Hasura lists fields by name, which keeps a printed schema stable when columns are reordered. */
export function sorted<T>(record: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)))
}
