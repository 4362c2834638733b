import type { Column } from './catalog.ts'

const numericTypes = new Set(['int2', 'int4', 'int8', 'float4', 'float8', 'numeric', 'money'])
const incomparable = new Set(['json', 'jsonb', 'bool'])

export const isNumeric = (column: Column) => numericTypes.has(column.type)
const isComparable = (column: Column) => !incomparable.has(column.type)

/** Aggregates over columns; the value says what type the result has. */
export const aggregateFunctions: Readonly<Record<string, 'float' | 'column'>> = {
  avg: 'float',
  max: 'column',
  min: 'column',
  stddev: 'float',
  stddev_pop: 'float',
  stddev_samp: 'float',
  sum: 'column',
  var_pop: 'float',
  var_samp: 'float',
  variance: 'float',
}

/** The columns an aggregate is offered for. */
export function aggregatedColumns(name: string, columns: readonly Column[]): Column[] {
  return columns.filter(name === 'max' || name === 'min' ? isComparable : isNumeric)
}
