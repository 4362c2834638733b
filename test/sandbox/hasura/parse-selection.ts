import {
  type DirectiveNode,
  type FieldNode,
  type FragmentDefinitionNode,
  GraphQLBoolean,
  type GraphQLField,
  GraphQLObjectType,
  getNamedType,
  isLeafType,
  print,
  SchemaMetaFieldDef,
  type SelectionSetNode,
  TypeMetaFieldDef,
} from 'graphql'
import { type Path, validationFailed } from './hasura-error.ts'
import { ownNameOf } from './input-hints.ts'
import type { Variables } from './input-value.ts'
import { type Input, parseInput, parseMembers } from './parse-input.ts'

type Definition = GraphQLField<unknown, unknown>

export interface SelectedField {
  readonly responseName: string
  /** The sandbox's own. */
  readonly name: string
  readonly parent: GraphQLObjectType
  /** Absent for `__typename`. */
  readonly definition: Definition | undefined
  readonly args: ReadonlyMap<string, Input>
  readonly fields: readonly SelectedField[]
}

export interface SelectionContext {
  readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>
  readonly variables: Variables
  /** The root types also have `__schema` and `__type`. */
  readonly queryRoot: GraphQLObjectType
}

/** Walks a selection set along the schema and reports the first mismatch, as Hasura does. */
export function parseSelection(
  sets: readonly SelectionSetNode[],
  parent: GraphQLObjectType,
  context: SelectionContext,
  path: Path,
): SelectedField[] {
  const here = [...path, 'selectionSet']
  if (sets.length === 0) throw validationFailed(`missing selection set for '${parent.name}'`, here)
  const merged = mergeFields(collectFields(sets, parent, context, here, []), here)
  return [...merged].map(([responseName, nodes]) => parseField(responseName, nodes, parent, context, here))
}

function parseField(
  responseName: string,
  nodes: readonly [FieldNode, ...FieldNode[]],
  parent: GraphQLObjectType,
  context: SelectionContext,
  parentPath: Path,
): SelectedField {
  const [node] = nodes
  const name = node.name.value
  if (name === '__typename') return { responseName, name, parent, definition: undefined, args: new Map(), fields: [] }
  const path = [...parentPath, name]
  const definition = fieldDefinition(parent, name, context)
  if (definition === undefined) throw validationFailed(`field '${name}' not found in type: '${parent.name}'`, path)
  const sets = nodes.flatMap(({ selectionSet }) => (selectionSet === undefined ? [] : [selectionSet]))
  const type = getNamedType(definition.type)
  if (isLeafType(type) && sets.length > 0)
    throw validationFailed('unexpected subselection set for non-object field', path)
  const given = new Map((node.arguments ?? []).map(a => [a.name.value, { kind: 'literal', node: a.value }] as const))
  for (const argument of given.keys()) {
    if (!definition.args.some(a => a.name === argument)) {
      throw validationFailed(`'${name}' has no argument named '${argument}'`, path)
    }
  }
  const args = parseMembers(given, definition.args, [...path, 'args'], context.variables)
  const fields = type instanceof GraphQLObjectType ? parseSelection(sets, type, context, path) : []
  return { responseName, name: ownNameOf(definition), parent, definition, args, fields }
}

function fieldDefinition(parent: GraphQLObjectType, name: string, context: SelectionContext): Definition | undefined {
  if (parent === context.queryRoot) {
    if (name === '__schema') return SchemaMetaFieldDef
    if (name === '__type') return TypeMetaFieldDef
  }
  return parent.getFields()[name]
}

/** Flattens fragments where they apply, and evaluates `@include` and `@skip`. */
function collectFields(
  sets: readonly SelectionSetNode[],
  parent: GraphQLObjectType,
  context: SelectionContext,
  path: Path,
  within: readonly string[],
): FieldNode[] {
  return sets
    .flatMap(set => set.selections)
    .flatMap(selection => {
      if (!isIncluded(selection.directives ?? [], context, path)) return []
      if (selection.kind === 'Field') return [selection]
      const condition = selection.kind === 'InlineFragment' ? selection.typeCondition?.name.value : undefined
      if (selection.kind === 'InlineFragment') {
        if (condition !== undefined && condition !== parent.name) return []
        return collectFields([selection.selectionSet], parent, context, path, within)
      }
      const name = selection.name.value
      const fragment = context.fragments.get(name)
      if (fragment === undefined) throw validationFailed(`reference to undefined fragment "${name}"`, path)
      if (fragment.typeCondition.name.value !== parent.name) return []
      return collectFields([fragment.selectionSet], parent, context, path, [...within, name])
    })
}

function isIncluded(directives: readonly DirectiveNode[], context: SelectionContext, path: Path): boolean {
  const names = directives.map(directive => directive.name.value)
  const unknown = names.find(name => !['include', 'skip', 'cached'].includes(name))
  if (unknown !== undefined) throw validationFailed(`directive '${unknown}' is not defined in the schema`, path)
  const repeated = names.filter((name, i) => names.indexOf(name) !== i)
  if (repeated.length > 0) {
    const list = repeated.map(name => `'${name}'`).join(', ')
    throw validationFailed(`the following directives are used more than once: [${list}]`, path)
  }
  return directives.every(directive => {
    const name = directive.name.value
    if (name === 'cached') return true
    const argument = directive.arguments?.find(a => a.name.value === 'if')
    if (argument === undefined) throw validationFailed(`missing required field 'if'`, [...path, name, 'if'])
    const condition = parseInput(
      { kind: 'literal', node: argument.value },
      { type: GraphQLBoolean, hints: {}, hasDefault: false, path: [...path, name, 'if'] },
      context.variables,
    )
    return (condition.kind === 'scalar' && condition.json === true) === (name === 'include')
  })
}

function mergeFields(nodes: readonly FieldNode[], path: Path): Map<string, [FieldNode, ...FieldNode[]]> {
  const merged = new Map<string, [FieldNode, ...FieldNode[]]>()
  for (const node of nodes) {
    const responseName = node.alias?.value ?? node.name.value
    const existing = merged.get(responseName)
    if (existing === undefined) {
      merged.set(responseName, [node])
      continue
    }
    const [first] = existing
    if (first.name.value !== node.name.value) {
      const message = `selection of both '${first.name.value}' and '${node.name.value}' specify the same response name, '${responseName}'`
      throw validationFailed(message, path)
    }
    if (printedArguments(first) !== printedArguments(node)) {
      throw validationFailed(`inconsistent arguments between multiple selections of field '${node.name.value}'`, path)
    }
    existing.push(node)
  }
  return merged
}

const printedArguments = (node: FieldNode) =>
  (node.arguments ?? [])
    .map(argument => print(argument))
    .sort()
    .join(',')
