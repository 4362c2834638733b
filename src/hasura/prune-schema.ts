import {
  DirectiveLocation,
  type IntrospectionEnumValue,
  type IntrospectionField,
  type IntrospectionInputValue,
  type IntrospectionSchema,
  type IntrospectionType,
  type IntrospectionTypeRef,
  introspectionTypes,
  parseValue,
  specifiedScalarTypes,
} from 'graphql'

/** What graphql-js rejected. */
export interface Refused {
  readonly types: ReadonlySet<string>
  /** `<type> <interface>`, when the type doesn't implement the interface correctly. */
  readonly interfaces: ReadonlySet<string>
}

/**
 * Removes names that are invalid or reserved in GraphQL, and what depends on them: a field whose type or required argument is gone, an
 * empty type. Of duplicate names the first is kept.
 */
export function pruneSchema(shown: IntrospectionSchema, refused: Refused): IntrospectionSchema {
  let types: readonly IntrospectionType[] = unique(shown.types).filter(
    type => isTypeName(type) && !refused.types.has(type.name),
  )
  for (;;) {
    const kinds = new Map(types.map(({ name, kind }) => [name, kind]))
    const kept = types.flatMap(type => pruneType(type, kinds, refused))
    const isStable = kept.length === types.length
    types = kept
    if (isStable) break
  }
  const kinds = new Map(types.map(({ name, kind }) => [name, kind]))
  const isObject = (root: { readonly name: string } | null | undefined) => root && kinds.get(root.name) === 'OBJECT'
  return {
    ...shown,
    types,
    mutationType: isObject(shown.mutationType) ? shown.mutationType : null,
    subscriptionType: isObject(shown.subscriptionType) ? shown.subscriptionType : null,
    directives: unique(shown.directives ?? []).flatMap(directive => {
      const args = pruneInputs(directive.args, kinds)
      const locations = directive.locations.filter(location => Object.hasOwn(DirectiveLocation, location))
      return isDefinitionName(directive) && args && locations.length > 0 ? { ...directive, args, locations } : []
    }),
  }
}

type Kinds = ReadonlyMap<string, IntrospectionType['kind']>

/** @returns an empty list when nothing is left of the type */
function pruneType(type: IntrospectionType, kinds: Kinds, refused: Refused): IntrospectionType[] {
  switch (type.kind) {
    case 'SCALAR':
      return [type]
    case 'ENUM': {
      const enumValues = unique(type.enumValues).filter(isEnumValue).map(withoutReason)
      return enumValues.length > 0 ? [{ ...type, enumValues }] : []
    }
    case 'UNION': {
      const possibleTypes = unique(type.possibleTypes).filter(({ name }) => kinds.get(name) === 'OBJECT')
      return possibleTypes.length > 0 ? [{ ...type, possibleTypes }] : []
    }
    case 'INPUT_OBJECT': {
      const inputFields = pruneInputs(type.inputFields, kinds)
      return inputFields && inputFields.length > 0 ? [{ ...type, inputFields }] : []
    }
    default: {
      const fields = unique(type.fields).flatMap(field => pruneField(field, kinds))
      const interfaces = unique(type.interfaces ?? []).filter(
        ({ name }) => kinds.get(name) === 'INTERFACE' && !refused.interfaces.has(`${type.name} ${name}`),
      )
      return fields.length > 0 ? [{ ...type, fields, interfaces }] : []
    }
  }
}

function pruneField(field: IntrospectionField, kinds: Kinds): IntrospectionField[] {
  const args = pruneInputs(field.args, kinds)
  return isName(field) && args && isOf(outputKinds, field.type, kinds) ? [withoutReason({ ...field, args })] : []
}

/** @returns undefined when a required input is invalid, so that its field can't be used */
function pruneInputs(
  values: readonly IntrospectionInputValue[],
  kinds: Kinds,
): readonly IntrospectionInputValue[] | undefined {
  const checked = unique(values).map(value => ({ value, fits: isName(value) && isOf(inputKinds, value.type, kinds) }))
  const lacks = checked.some(
    ({ value, fits }) => !fits && value.type.kind === 'NON_NULL' && (value.defaultValue ?? null) === null,
  )
  return lacks ? undefined : checked.flatMap(({ value, fits }) => (fits ? withReadableDefault(value) : []))
}

const outputKinds: ReadonlySet<string> = new Set(['SCALAR', 'OBJECT', 'INTERFACE', 'UNION', 'ENUM'])
const inputKinds: ReadonlySet<string> = new Set(['SCALAR', 'ENUM', 'INPUT_OBJECT'])

function isOf(allowed: ReadonlySet<string>, ref: IntrospectionTypeRef | undefined, kinds: Kinds): boolean {
  if (!ref) return false
  if (ref.kind === 'NON_NULL' || ref.kind === 'LIST') return isOf(allowed, ref.ofType, kinds)
  return allowed.has(kinds.get(ref.name) ?? '')
}

/** A default that can't be parsed at least means that the value is optional, as null does. */
function withReadableDefault(value: IntrospectionInputValue): IntrospectionInputValue {
  try {
    if (typeof value.defaultValue === 'string') parseValue(value.defaultValue)
    return value
  } catch {
    const type = value.type.kind === 'NON_NULL' ? value.type.ofType : value.type
    return { ...value, type, defaultValue: null }
  }
}

/** A deprecation reason is foreign text that would become a comment in generated code. */
function withoutReason<T extends IntrospectionField | IntrospectionEnumValue>(part: T): T {
  return { ...part, deprecationReason: part.isDeprecated ? 'No longer supported' : null }
}

/** GraphQL spec, "Names" and "Reserved names". */
function isName({ name }: { readonly name: string }): boolean {
  return /^(?!__)[A-Za-z_][A-Za-z0-9_]*$/.test(name)
}

/** GraphQL spec, "Enum value". */
function isEnumValue(value: { readonly name: string }): boolean {
  return isName(value) && !['true', 'false', 'null'].includes(value.name)
}

/** Codegen looks up definitions in an object, where it would find inherited names such as `toString`. */
function isDefinitionName({ name }: { readonly name: string }): boolean {
  return isName({ name }) && !(name in Object.prototype)
}

function isTypeName({ name, kind }: IntrospectionType): boolean {
  if (introspectionTypes.some(own => own.name === name)) return true
  return isDefinitionName({ name }) && (kind === 'SCALAR' || !specifiedScalarTypes.some(scalar => scalar.name === name))
}

/** The first of each name. */
function unique<T extends { readonly name: string }>(parts: readonly T[]): T[] {
  return [...new Map(parts.toReversed().map(part => [part.name, part])).values()].toReversed()
}
