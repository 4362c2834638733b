import { expect, test } from 'vitest'
import { readDocument } from '../docs/markdown.ts'

/** By table: each column, whether it may be null, and whether it has a value where none is given. */
type Tables = Readonly<
  Record<string, Readonly<Record<string, { readonly nullable: boolean; readonly filled: boolean }>>>
>

const source = readDocument('src/store/schema.ts')

/** Kept by hand. */
function readTypes(): Tables {
  const tables = [...source.matchAll(/^ {2}'worker\.(\w+)': (\w+)$/gm)]
  return Object.fromEntries(
    tables.map(([, table = '', row = '']) => {
      const body = new RegExp(`^interface ${row} \\{\\n(.*?)^\\}`, 'ms').exec(source)?.[1] ?? ''
      const columns = [...body.matchAll(/^ {2}(\w+): (.+)$/gm)].map(([, column = '', type = '']) => [
        column,
        { nullable: / \| null$/.test(type), filled: /^Generated</.test(type) },
      ])
      return [table, Object.fromEntries(columns)]
    }),
  )
}

/** What the migrations make. */
function readStore(): Tables {
  const tables = [...readDocument('schema/store.sql').matchAll(/^create table worker\.(\w+) \(\n(.*?)^\);/gms)]
  return Object.fromEntries(
    tables.map(([, table = '', body = '']) => {
      const columns = [...body.matchAll(/^ {2}"?([a-z_]+)"? (.+?),?$/gm)].map(([, column = '', rest = '']) => [
        column,
        { nullable: !/ not null$/.test(rest), filled: / default | generated /.test(rest) },
      ])
      return [table, Object.fromEntries(columns)]
    }),
  )
}

test('the types of the tables say what the migrations make', () => {
  expect(readTypes()).toEqual(readStore())
})

test('every table names its rows to a publication, by its primary key or by all their values', () => {
  const tables = readDocument('schema/store.sql')
    .split(/^(?=create table )/m)
    .slice(1)
  expect(tables.filter(table => !/^ {2}PRIMARY KEY | replica identity full;$/m.test(table))).toEqual([])
})
