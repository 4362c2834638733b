import { type ArgumentNode, Kind, print, type ValueNode } from 'graphql'
import { ConfigError } from '../errors.ts'
import { findDocumentRoot } from '../hasura/document-root.ts'
import type { SelectedList } from '../hasura/find-list.ts'
import type { PullSettings } from './pull-settings.ts'

/**
 * A page starts after the last row of the one before, so no page may skip any. A pull gives a variable of these arguments no value, so
 * its default counts.
 *
 * @param keyFields the API's names of the key
 * @throws ConfigError for an argument that leaves out rows
 */
export function requireWholeList(
  { document, cursor }: Pick<PullSettings, 'document' | 'cursor'>,
  { node }: SelectedList,
  keyFields: readonly string[],
): void {
  const operation = findDocumentRoot(document)
  const findValue = ({ value }: ArgumentNode): ValueNode | undefined =>
    value.kind === Kind.VARIABLE
      ? operation?.variableDefinitions?.find(({ variable }) => variable.name.value === value.name.value)?.defaultValue
      : value
  for (const argument of node.arguments ?? []) {
    const value = findValue(argument)
    const isWhole = wholeWith.get(argument.name.value)
    if (!isWhole || !value || value.kind === Kind.NULL || isWhole(value, cursor === undefined ? keyFields : []))
      continue
    throw new ConfigError([
      {
        found: `${operation?.name?.value ?? 'the operation'}: the argument "${argument.name.value}" would leave out rows`,
        remedy: `remove it; let a view select the rows, or the job's "where"`,
      },
    ])
  }
}

type IsWhole = (value: ValueNode, unique: readonly string[]) => boolean

/** Rows that differ in the key are distinct, and in its order each page continues the one before. */
const isDistinctByKey: IsWhole = (value, unique) => {
  const names = (value.kind === Kind.LIST ? value.values : [value]).map(print)
  const isAmong = (given: readonly string[]) => (name: string) => given.includes(name)
  return names.every(isAmong(unique)) && (names.length === 0 || unique.every(isAmong(names)))
}

const wholeWith: ReadonlyMap<string, IsWhole> = new Map([
  ['offset', value => print(value) === '0'],
  ['distinct_on', isDistinctByKey],
  ['distinctOn', isDistinctByKey],
])
