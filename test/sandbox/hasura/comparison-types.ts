import {
  GraphQLBoolean,
  type GraphQLInputFieldConfigMap,
  type GraphQLInputObjectType,
  GraphQLList,
  GraphQLNonNull,
} from 'graphql'
import { withHints } from './input-hints.ts'
import type { TypeRegistry } from './type-registry.ts'

const every = ['_eq', '_gt', '_gte', '_lt', '_lte', '_neq']
const text = [
  '_ilike',
  '_iregex',
  '_like',
  '_nilike',
  '_niregex',
  '_nlike',
  '_nregex',
  '_nsimilar',
  '_regex',
  '_similar',
]

/** `uuid_comparison_exp` and the like. */
export function comparisonType(types: TypeRegistry, postgresType: string): GraphQLInputObjectType {
  const scalar = types.scalar(postgresType)
  const description = `Boolean expression to compare columns of type "${scalar.name}". All fields are combined with logical 'AND'.`
  return types.input(`${scalar.name}_comparison_exp`, description, () => {
    const value = withHints({ type: scalar }, { column: postgresType })
    const list = { type: new GraphQLList(new GraphQLNonNull(scalar)), extensions: { column: postgresType } }
    const fields: GraphQLInputFieldConfigMap = {
      _in: list,
      _is_null: { type: GraphQLBoolean },
      _nin: list,
    }
    for (const operator of every) fields[operator] = value
    if (['text', 'varchar', 'bpchar', 'citext'].includes(postgresType)) {
      for (const operator of text) fields[operator] = value
    }
    if (postgresType === 'jsonb') Object.assign(fields, jsonbFields(types))
    return Object.fromEntries(Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1)))
  })
}

function jsonbFields(types: TypeRegistry): GraphQLInputFieldConfigMap {
  const jsonb = withHints({ type: types.scalar('jsonb') }, { column: 'jsonb' })
  const key = withHints({ type: types.scalar('text') }, { column: 'text' })
  const keys = { type: new GraphQLList(new GraphQLNonNull(types.scalar('text'))), extensions: { column: 'text' } }
  return {
    _cast: { type: types.input('jsonb_cast_exp', '', () => ({ String: { type: comparisonType(types, 'text') } })) },
    _contained_in: { ...jsonb, description: 'is the column contained in the given json value' },
    _contains: { ...jsonb, description: 'does the column contain the given json value at the top level' },
    _has_key: { ...key, description: 'does the string exist as a top-level key in the column' },
    _has_keys_all: { ...keys, description: 'do all of these strings exist as top-level keys in the column' },
    _has_keys_any: { ...keys, description: 'do any of these strings exist as top-level keys in the column' },
  }
}
