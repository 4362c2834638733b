import { Kind, print, type TypeNode, type ValueNode, type VariableDefinitionNode } from 'graphql'
import { validationFailed } from './hasura-error.ts'
import { type Json, JsonNumber } from './lossless-json.ts'

/** A value as it was given: written in the document, or as JSON in the variables. */
export type InputValue =
  | { readonly kind: 'literal'; readonly node: ValueNode }
  | { readonly kind: 'json'; readonly json: Json }

interface Variable {
  readonly name: string
  readonly type: TypeNode
  readonly value: InputValue
  readonly hasNonNullDefault: boolean
}

export type Variables = ReadonlyMap<string, Variable>

/** Gives every declared variable its value. Hasura reports problems of values where they are used. */
export function resolveVariables(
  definitions: readonly VariableDefinitionNode[],
  values: Readonly<Record<string, Json>>,
  used: ReadonlySet<string>,
): Variables {
  const variables = new Map<string, Variable>()
  for (const { variable, type, defaultValue } of definitions) {
    const name = variable.name.value
    if (variables.has(name)) throw validationFailed(`multiple definitions for variable "${name}"`)
    const given = values[name]
    if (type.kind === 'NonNullType') {
      if (given === null) throw validationFailed(`null value found for non-nullable type: "${print(type)}"`)
      if (given === undefined && defaultValue === undefined) {
        throw validationFailed(`expecting a value for non-nullable variable: "${name}"`)
      }
    }
    const fallback: InputValue =
      defaultValue === undefined ? { kind: 'json', json: null } : { kind: 'literal', node: defaultValue }
    variables.set(name, {
      name,
      type,
      value: given === undefined ? fallback : { kind: 'json', json: given },
      hasNonNullDefault: defaultValue !== undefined && defaultValue.kind !== 'NullValue',
    })
  }
  for (const name of used) {
    if (!variables.has(name)) throw validationFailed(`unbound variable "${name}"`)
  }
  const unexpected = Object.keys(values).filter(name => !used.has(name))
  if (unexpected.length > 0) {
    throw validationFailed(`unexpected variables in variableValues: ${unexpected.join(', ')}`)
  }
  return variables
}

/** The JSON that a value stands for; variables inside a literal are filled in. */
export function toJson(value: InputValue, variables: Variables): Json {
  if (value.kind === 'json') return value.json
  const { node } = value
  switch (node.kind) {
    case Kind.NULL:
      return null
    case Kind.INT:
    case Kind.FLOAT:
      return new JsonNumber(node.value)
    case Kind.STRING:
    case Kind.BOOLEAN:
    case Kind.ENUM:
      return node.value
    case Kind.LIST:
      return node.values.map(item => toJson({ kind: 'literal', node: item }, variables))
    case Kind.OBJECT:
      return Object.fromEntries(
        node.fields.map(field => [field.name.value, toJson({ kind: 'literal', node: field.value }, variables)]),
      )
    case Kind.VARIABLE: {
      const variable = variables.get(node.name.value)
      return variable === undefined ? null : toJson(variable.value, variables)
    }
  }
}

export function isNull(value: InputValue): boolean {
  return value.kind === 'json' ? value.json === null : value.node.kind === 'NullValue'
}

/** "…, but found an integer" */
export function describeValue(value: InputValue): string {
  if (value.kind === 'json') {
    const { json } = value
    if (json === null) return 'null'
    if (typeof json === 'boolean') return 'a boolean'
    if (typeof json === 'string') return 'a string'
    if (json instanceof JsonNumber) return 'a number'
    return Array.isArray(json) ? 'a list' : 'an object'
  }
  return literalDescriptions[value.node.kind]
}

const literalDescriptions = {
  NullValue: 'null',
  IntValue: 'an integer',
  FloatValue: 'a float',
  StringValue: 'a string',
  BooleanValue: 'a boolean',
  EnumValue: 'an enum value',
  ListValue: 'a list',
  ObjectValue: 'an object',
  Variable: 'a variable',
} as const
