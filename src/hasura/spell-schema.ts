import {
  buildASTSchema,
  buildClientSchema,
  type DocumentNode,
  type GraphQLError,
  type GraphQLSchema,
  type IntrospectionQuery,
  type IntrospectionSchema,
  type IntrospectionType,
  lexicographicSortSchema,
  parse,
  printSchema,
  validateSchema,
} from 'graphql'
import { pruneSchema, type Refused } from './prune-schema.ts'

export interface SpelledSchema {
  /** In a stable order. */
  readonly sdl: string
  /** Names that are invalid in GraphQL, such as `articles.__v`, the shortest first. */
  readonly leftOut: readonly string[]
}

/**
 * Renders a schema as SDL, without what graphql-js or codegen would reject. Hasura may show columns and parts of remote schemas under
 * reserved names (GraphQL spec, "Reserved names"), one of which would make the whole schema invalid.
 *
 * @throws Error when no query is left, or when the input isn't an introspection
 */
export function spellSchema({ __schema: shown }: IntrospectionQuery): SpelledSchema {
  let refused: Refused = { types: new Set(), interfaces: new Set() }
  for (;;) {
    const spelled = pruneSchema(shown, refused)
    const schema = buildClientSchema({ __schema: spelled })
    if (validateSchema(schema).length === 0) {
      return { sdl: printSdl(schema), leftOut: findLeftOut(shown, spelled) }
    }
    refused = findRefused(refused, schema)
  }
}

/** In a stable order. */
export function printSdl(schema: GraphQLSchema): string {
  return `${printSchema(lexicographicSortSchema(schema))}\n`
}

/** Only errors of a parsed schema have locations, so it is printed and parsed. */
function findRefused(refused: Refused, schema: GraphQLSchema): Refused {
  const document = parse(printSchema(schema))
  const read = buildASTSchema(document, { assumeValidSDL: true })
  const types = new Set(refused.types)
  const interfaces = new Set(refused.interfaces)
  const errors = validateSchema(read)
  for (const error of errors) {
    const concerned = definitionsOf(document, error)
    const pairs = concerned.flatMap(name => {
      const type = read.getType(name)
      const implemented = type && 'getInterfaces' in type ? type.getInterfaces() : []
      return implemented.filter(other => concerned.includes(other.name)).map(other => `${name} ${other.name}`)
    })
    const [first] = concerned
    if (first === undefined) throw error
    if (pairs.length === 0) types.add(first)
    for (const pair of pairs) interfaces.add(pair)
  }
  if (types.size + interfaces.size === refused.types.size + refused.interfaces.size) throw errors[0]
  return { types, interfaces }
}

/** Names of the definitions in which an error lies. */
function definitionsOf({ definitions }: DocumentNode, { nodes = [] }: GraphQLError): string[] {
  return nodes.flatMap(({ loc }) => {
    const around = definitions.find(
      other => loc && other.loc && other.loc.start <= loc.start && loc.end <= other.loc.end,
    )
    return around && 'name' in around ? (around.name?.value ?? []) : []
  })
}

function findLeftOut(shown: IntrospectionSchema, spelled: IntrospectionSchema): string[] {
  const lost = missing(placesOf(shown), placesOf(spelled))
  return [...new Set(lost)].toSorted((a, b) => a.length - b.length || (a < b ? -1 : 1))
}

/** A missing type is listed without its fields. */
function missing(before: readonly Place[], after: readonly Place[]): string[] {
  const rest = new Map(after.map(place => [place.name, place]))
  return before.flatMap(place => {
    const found = rest.get(place.name)
    rest.delete(place.name)
    return found ? missing(place.inside, found.inside) : place.name
  })
}

interface Place {
  readonly name: string
  readonly inside: readonly Place[]
}

function placesOf({ types, directives = [] }: IntrospectionSchema): Place[] {
  return [
    ...types.map(type => ({ name: type.name, inside: partsOf(type) })),
    ...directives.map(({ name }) => ({ name: `@${name}`, inside: [] })),
  ]
}

function partsOf(type: IntrospectionType): Place[] {
  const part = (name: string): Place => ({ name: `${type.name}.${name}`, inside: [] })
  switch (type.kind) {
    case 'ENUM':
      return type.enumValues.map(({ name }) => part(name))
    case 'INPUT_OBJECT':
      return type.inputFields.map(({ name }) => part(name))
    case 'UNION':
      return type.possibleTypes.map(({ name }) => ({ name: `${type.name} (${name})`, inside: [] }))
    case 'OBJECT':
    case 'INTERFACE':
      return [
        ...type.fields.map(({ name, args }) => ({
          ...part(name),
          inside: args.map(argument => part(`${name}(${argument.name}:)`)),
        })),
        ...(type.interfaces ?? []).map(({ name }) => ({ name: `${type.name} (${name})`, inside: [] })),
      ]
    case 'SCALAR':
      return []
  }
}
