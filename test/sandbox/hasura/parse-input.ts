import {
  GraphQLEnumType,
  GraphQLInputObjectType,
  type GraphQLInputType,
  GraphQLList,
  GraphQLNonNull,
  GraphQLScalarType,
  print,
  type TypeNode,
} from 'graphql'
import { type Path, validationFailed } from './hasura-error.ts'
import { hintsOf, type InputHints, ownNameOf } from './input-hints.ts'
import { describeValue, type InputValue, isNull, type Variables } from './input-value.ts'
import { isJsonObject, type Json } from './lossless-json.ts'
import { parseColumnValue, parsePlainScalar } from './parse-scalar.ts'

/** A value that fits its place in the schema. */
export type Input =
  | { readonly kind: 'null' }
  | { readonly kind: 'scalar'; readonly json: Json }
  | { readonly kind: 'enum'; readonly name: string }
  | { readonly kind: 'list'; readonly items: readonly Input[] }
  | { readonly kind: 'object'; readonly fields: ReadonlyMap<string, Input> }

export interface InputPosition {
  readonly type: GraphQLInputType
  readonly hints: InputHints
  readonly hasDefault: boolean
  readonly path: Path
}

/** Reads a value for a place in the schema, with Hasura's words for everything that doesn't fit. */
export function parseInput(given: InputValue, position: InputPosition, variables: Variables): Input {
  const value = openVariable(given, position, variables)
  const type = position.type instanceof GraphQLNonNull ? position.type.ofType : position.type
  const { hints, path } = position
  if (isNull(value) && hints.acceptsNull === true && type === position.type) return { kind: 'null' }
  if (type instanceof GraphQLList) return parseList(value, type.ofType, hints, path, variables)
  if (type instanceof GraphQLEnumType) {
    const name = parseEnum(value, type, path)
    return hints.column === undefined ? { kind: 'enum', name } : { kind: 'scalar', json: name }
  }
  if (type instanceof GraphQLInputObjectType) return parseObject(value, type, path, variables)
  if (!(type instanceof GraphQLScalarType)) throw new Error(`${type} is not an input type`)
  const json =
    hints.column === undefined
      ? parsePlainScalar(value, type.name, hints, path)
      : parseColumnValue(value, type.name, hints.column, path, variables)
  return { kind: 'scalar', json }
}

function parseList(
  value: InputValue,
  itemType: GraphQLInputType,
  hints: InputHints,
  path: Path,
  variables: Variables,
): Input {
  if (isNull(value)) throw validationFailed('expected a list, but found null', path)
  // One value where a list is expected is a list of it, as GraphQL has it.
  const items = listItems(value) ?? [value]
  const itemHints = hints.column === undefined ? {} : { column: hints.column }
  return {
    kind: 'list',
    items: items.map((item, i) =>
      parseInput(item, { type: itemType, hints: itemHints, hasDefault: false, path: [...path, i] }, variables),
    ),
  }
}

function listItems(value: InputValue): InputValue[] | undefined {
  if (value.kind === 'json')
    return Array.isArray(value.json) ? value.json.map(json => ({ kind: 'json', json })) : undefined
  return value.node.kind === 'ListValue' ? value.node.values.map(node => ({ kind: 'literal', node })) : undefined
}

function parseEnum(value: InputValue, type: GraphQLEnumType, path: Path): string {
  const name = enumName(value)
  if (name === undefined) {
    throw validationFailed(`expected an enum value for type '${type.name}', but found ${describeValue(value)}`, path)
  }
  const known = type.getValue(name)
  if (!known) {
    const list = type
      .getValues()
      .map(value => `'${value.name}'`)
      .join(', ')
    throw validationFailed(`expected one of the values [${list}] for type '${type.name}', but found '${name}'`, path)
  }
  return ownNameOf(known)
}

function enumName(value: InputValue): string | undefined {
  if (value.kind === 'json') return typeof value.json === 'string' ? value.json : undefined
  return value.node.kind === 'EnumValue' ? value.node.value : undefined
}

function parseObject(value: InputValue, type: GraphQLInputObjectType, path: Path, variables: Variables): Input {
  const members = objectMembers(value)
  if (members === undefined) {
    throw validationFailed(`expected an object for type '${type.name}', but found ${describeValue(value)}`, path)
  }
  const definitions = type.getFields()
  for (const name of members.keys()) {
    if (definitions[name] === undefined) {
      throw validationFailed(`field '${name}' not found in type: '${type.name}'`, [...path, name])
    }
  }
  return { kind: 'object', fields: parseMembers(members, Object.values(definitions), path, variables) }
}

function objectMembers(value: InputValue): Map<string, InputValue> | undefined {
  if (value.kind === 'json') {
    if (!isJsonObject(value.json)) return undefined
    return new Map(Object.entries(value.json).map(([name, json]) => [name, { kind: 'json', json }]))
  }
  if (value.node.kind !== 'ObjectValue') return undefined
  return new Map(value.node.fields.map(field => [field.name.value, { kind: 'literal', node: field.value }]))
}

interface Member {
  readonly name: string
  readonly type: GraphQLInputType
  readonly defaultValue?: unknown
  readonly extensions: Readonly<Record<string, unknown>>
}

/** Fields of an input object and arguments of a field follow the same rules. The result has the sandbox's own names. */
export function parseMembers(
  given: ReadonlyMap<string, InputValue>,
  definitions: readonly Member[],
  path: Path,
  variables: Variables,
): Map<string, Input> {
  const parsed = new Map<string, Input>()
  for (const definition of definitions) {
    const { name, type } = definition
    const value = given.get(name)
    const hasDefault = definition.defaultValue !== undefined
    if (value === undefined) {
      if (type instanceof GraphQLNonNull && !hasDefault) {
        throw validationFailed(`missing required field '${name}'`, [...path, name])
      }
      continue
    }
    parsed.set(
      ownNameOf(definition),
      parseInput(value, { type, hints: hintsOf(definition), hasDefault, path: [...path, name] }, variables),
    )
  }
  return parsed
}

function openVariable(value: InputValue, position: InputPosition, variables: Variables): InputValue {
  if (value.kind === 'json' || value.node.kind !== 'Variable') return value
  const variable = variables.get(value.node.name.value)
  if (variable === undefined) throw validationFailed(`unbound variable "${value.node.name.value}"`)
  const nullableInside = variable.hasNonNullDefault || position.hasDefault
  if (!fits(variable.type, position.type, nullableInside)) {
    const declared = print(variable.type)
    const message = `variable '${variable.name}' is declared as '${declared}', but used where '${position.type}' is expected`
    throw validationFailed(message, position.path)
  }
  return variable.value
}

/** §5.8.5 of the specification, "All Variable Usages Are Allowed". */
function fits(declared: TypeNode, location: GraphQLInputType, nullableFits: boolean): boolean {
  if (location instanceof GraphQLNonNull) {
    const inner = declared.kind === 'NonNullType' ? declared.type : declared
    return (declared.kind === 'NonNullType' || nullableFits) && fits(inner, location.ofType, false)
  }
  if (declared.kind === 'NonNullType') return fits(declared.type, location, false)
  if (declared.kind === 'ListType')
    return location instanceof GraphQLList && fits(declared.type, location.ofType, false)
  return !(location instanceof GraphQLList) && declared.name.value === location.name
}
