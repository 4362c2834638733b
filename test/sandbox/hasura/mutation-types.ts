import {
  type GraphQLEnumType,
  type GraphQLFieldConfigArgumentMap,
  type GraphQLInputFieldConfigMap,
  type GraphQLInputObjectType,
  GraphQLInt,
  GraphQLList,
  GraphQLNonNull,
  type GraphQLObjectType,
  GraphQLString,
} from 'graphql'
import { isNumeric } from './aggregate-functions.ts'
import type { Column } from './catalog.ts'
import { withHints } from './input-hints.ts'
import { getColumn, type RoleTable } from './role-model.ts'
import { listOf, nonNullList, sorted, type TableTypes } from './table-types.ts'
import type { TypeRegistry } from './type-registry.ts'

/** The types to write one table with. */
export class MutationTypes {
  readonly #types: TypeRegistry
  readonly #tables: TableTypes
  constructor(types: TypeRegistry, tables: TableTypes) {
    this.#types = types
    this.#tables = tables
  }

  response(table: RoleTable): GraphQLObjectType {
    const { name } = table.table
    return this.#types.object(`${name}_mutation_response`, `response of any mutation on the table "${name}"`, () => ({
      affected_rows: { type: new GraphQLNonNull(GraphQLInt), description: 'number of rows affected by the mutation' },
      ...(table.select && {
        returning: {
          type: nonNullList(this.#tables.row(table)),
          description: 'data from the rows affected by the mutation',
        },
      }),
    }))
  }

  insertInput(table: RoleTable): GraphQLInputObjectType {
    const { name } = table.table
    return this.#types.input(`${name}_insert_input`, `input type for inserting data into table "${name}"`, () =>
      this.#columnInputs(table.insert?.columns ?? []),
    )
  }

  onConflict(table: RoleTable): GraphQLInputObjectType {
    const { name } = table.table
    return this.#types.input(`${name}_on_conflict`, `on_conflict condition type for table "${name}"`, () => ({
      constraint: { type: new GraphQLNonNull(this.#constraint(table)) },
      update_columns: {
        type: new GraphQLNonNull(listOf(this.#updateColumn(table))),
        defaultValue: [],
      },
      ...(table.select && { where: withHints({ type: this.#tables.boolExp(table) }, { acceptsNull: true }) }),
    }))
  }

  /** `_set`, `_inc` and what jsonb has besides. */
  updateOperators(table: RoleTable): GraphQLFieldConfigArgumentMap {
    const { name } = table.table
    const columns = table.update?.columns ?? []
    const jsonb = columns.filter(column => column.type === 'jsonb')
    const numeric = columns.filter(isNumeric)
    const operator = (suffix: string, description: string, fields: () => GraphQLInputFieldConfigMap) =>
      withHints(
        { type: this.#types.input(`${name}_${suffix}_input`, description, fields), description },
        { acceptsNull: true },
      )
    const all = (scalar: typeof GraphQLString | typeof GraphQLInt) => () =>
      Object.fromEntries(jsonb.map(column => [column.name, { type: scalar }]))
    const operators: GraphQLFieldConfigArgumentMap = {}
    if (jsonb.length > 0) {
      operators._append = operator(
        'append',
        'append existing jsonb value of filtered columns with new jsonb value',
        () => this.#columnInputs(jsonb),
      )
      operators._delete_at_path = operator('delete_at_path', 'delete the field or element with specified path', () =>
        Object.fromEntries(jsonb.map(c => [c.name, { type: new GraphQLList(new GraphQLNonNull(GraphQLString)) }])),
      )
      operators._delete_elem = operator('delete_elem', 'delete the array element with specified index', all(GraphQLInt))
      operators._delete_key = operator('delete_key', 'delete key/value pair or string element', all(GraphQLString))
      operators._prepend = operator(
        'prepend',
        'prepend existing jsonb value of filtered columns with new jsonb value',
        () => this.#columnInputs(jsonb),
      )
    }
    if (numeric.length > 0) {
      operators._inc = operator('inc', 'increments the numeric columns with given value of the filtered values', () =>
        this.#columnInputs(numeric),
      )
    }
    operators._set = operator('set', 'sets the columns of the filtered rows to the given values', () =>
      this.#columnInputs(columns),
    )
    return sorted(operators)
  }

  /** One entry of `update_articles_many`. */
  updates(table: RoleTable): GraphQLInputObjectType {
    const { name } = table.table
    return this.#types.input(`${name}_updates`, '', () => ({
      ...this.updateOperators(table),
      where: {
        type: new GraphQLNonNull(this.#tables.boolExp(table)),
        description: 'filter the rows which have to be updated',
      },
    }))
  }

  keyArguments(table: RoleTable): GraphQLFieldConfigArgumentMap {
    return Object.fromEntries(
      table.table.primaryKey.map(name => {
        const { type } = getColumn(table.table, name)
        return [name, withHints({ type: new GraphQLNonNull(this.#types.scalar(type)) }, { column: type })]
      }),
    )
  }

  keyInput(table: RoleTable): GraphQLInputObjectType {
    const { name } = table.table
    const description = `primary key columns input for table: ${name}`
    return this.#types.input(`${name}_pk_columns_input`, description, () => this.keyArguments(table))
  }

  /** Everything is optional to GraphQL: what a column can't do without, only the database knows. */
  #columnInputs(columns: readonly Column[]): GraphQLInputFieldConfigMap {
    return sorted(
      Object.fromEntries(
        columns.map(column => [
          column.name,
          withHints({ type: this.#types.scalar(column.type) }, { column: column.type, acceptsNull: column.nullable }),
        ]),
      ),
    )
  }

  #constraint(table: RoleTable): GraphQLEnumType {
    const { name, uniqueConstraints } = table.table
    const values = uniqueConstraints.map(constraint => [
      constraint.name,
      {
        description: `unique or primary key constraint on columns ${constraint.columns.map(c => `"${c}"`).join(', ')}`,
      },
    ])
    return this.#types.enum(
      `${name}_constraint`,
      `unique or primary key constraints on table "${name}"`,
      Object.fromEntries(values),
    )
  }

  #updateColumn(table: RoleTable): GraphQLEnumType {
    const { name } = table.table
    const columns = table.update?.columns ?? []
    const values =
      columns.length === 0 ? [['_PLACEHOLDER', {}]] : columns.map(c => [c.name, { description: 'column name' }])
    return this.#types.enum(
      `${name}_update_column`,
      `update columns of table "${name}"`,
      sorted(Object.fromEntries(values)),
    )
  }
}
