import fc from 'fast-check'
import type { CursorName } from './cursor-types.ts'

/** A pull of a table whose rows have a key, a cursor, a group, a kind, a title and a mark of deleted ones. */
export interface Definition {
  /** Without one, each run reads everything. */
  readonly cursor: CursorName | undefined
  readonly hasCompositeKey: boolean
  readonly idType: 'int' | 'text'
  /** Only rows of groups below 3. */
  readonly isFiltered: boolean
  readonly isSoft: boolean
  /** Changes titles, and leaves rows of one kind out. */
  readonly isTransformed: boolean
  readonly isGuarded: boolean
  /** That are there before the first run. */
  readonly rows: number
  readonly pageSize: number
  readonly ranges: number
  readonly sweeps: boolean
}

/** What somebody does to a row of the source. */
export interface Write {
  readonly does:
    | 'insert'
    | 'insert late'
    | 'update'
    | 'update without the cursor'
    | 'delete'
    | 'flag'
    | 'move'
    | 'rename'
  readonly id: number
  readonly sub: 'x' | 'y'
  readonly group: number
  readonly kind: 'plain' | 'omitted'
  readonly value: number
  /** Otherwise a numeric cursor stays at the greatest value. */
  readonly grows: boolean
}

export interface Run {
  readonly step: 'run'
  readonly reads: 'scan' | 'rung' | 'full' | 'sweep' | 'keys' | 'backfill' | 'event'
  readonly account: 0 | 1
  /** One that lacks a column of the newer one, and writes its arguments in another order. */
  readonly isOlder: boolean
  readonly isDry: boolean
  /** If it ends well: a second one right after it. */
  readonly isRepeated: boolean
  readonly allowsDeletions: boolean
  /** How it breaks off, after how many of its pages. */
  readonly breaks: { readonly how: 'refused' | 'stopped' | 'superseded'; readonly after: number } | undefined
  /** What is written before the API looks at one of its requests. */
  readonly meanwhile: readonly { readonly after: number; readonly writes: readonly Write[] }[]
  /** For reads of keys and events. */
  readonly writes: readonly Write[]
}

export type Step =
  | { readonly step: 'write'; readonly writes: readonly Write[] }
  | Run
  | { readonly step: 'reset'; readonly account: 0 | 1 }
  | { readonly step: 'permit'; readonly limit: number | undefined; readonly canCount: boolean }
  | { readonly step: 'add column to source' | 'add column to mirror' }

export interface History {
  readonly definition: Definition
  readonly steps: readonly Step[]
}

/** Records that print as plain objects. */
function record<T>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> {
  return fc.record<T>(fields, { noNullPrototype: true })
}

const sizes = fc.constantFrom(1, 2, 2, 3, 3, 7, 1_000)
const seldom = (freq: number) => fc.integer({ min: 1, max: freq }).map(n => n === freq)

const definition: fc.Arbitrary<Definition> = record({
  cursor: fc.option(
    fc.constantFrom<CursorName[]>(
      'timestamptz',
      'minute',
      'date',
      'date',
      'bigint',
      'numeric',
      'float8',
      'text',
      'uuid',
    ),
    { nil: undefined, freq: 8 },
  ),
  hasCompositeKey: fc.boolean(),
  idType: fc.constantFrom('int', 'text'),
  isFiltered: fc.boolean(),
  isSoft: fc.boolean(),
  isTransformed: fc.boolean(),
  isGuarded: seldom(4),
  rows: fc.integer({ min: 0, max: 12 }),
  pageSize: sizes,
  ranges: fc.integer({ min: 1, max: 8 }),
  sweeps: fc.boolean(),
})

const write: fc.Arbitrary<Write> = record({
  does: fc.constantFrom(
    ...(['insert', 'insert late', 'update', 'update', 'update without the cursor'] as const),
    ...(['delete', 'flag', 'move', 'rename'] as const),
  ),
  id: fc.integer({ min: 1, max: 12 }),
  sub: fc.constantFrom('x', 'y'),
  group: fc.nat({ max: 3 }),
  kind: fc.constantFrom('plain', 'plain', 'plain', 'omitted'),
  value: fc.nat({ max: 999 }),
  grows: fc.boolean(),
})

const account = seldom(4).map(isOther => (isOther ? 1 : 0) satisfies 0 | 1)
const after = fc.nat({ max: 5 })
const writes = fc.array(write, { minLength: 1, maxLength: 4 })

const run: fc.Arbitrary<Run> = record({
  step: fc.constant('run'),
  reads: fc.constantFrom(
    ...(['scan', 'scan', 'scan', 'scan', 'rung', 'full', 'full', 'sweep', 'sweep'] as const),
    ...(['keys', 'backfill', 'event'] as const),
  ),
  account,
  isOlder: seldom(5),
  isDry: seldom(10),
  isRepeated: seldom(4),
  allowsDeletions: fc.boolean(),
  breaks: fc.option(
    record({ how: fc.constantFrom('refused', 'refused', 'stopped', 'superseded'), after: fc.nat({ max: 4 }) }),
    { nil: undefined, freq: 2 },
  ),
  meanwhile: fc.array(record({ after, writes }), { maxLength: 2 }),
  writes,
})

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: record({ step: fc.constant('write'), writes }) },
  { weight: 16, arbitrary: run },
  { weight: 1, arbitrary: record({ step: fc.constant('reset'), account }) },
  {
    weight: 1,
    arbitrary: record({
      step: fc.constant('permit'),
      limit: fc.option(sizes, { nil: undefined }),
      canCount: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: record({ step: fc.constantFrom('add column to source', 'add column to mirror') }),
  },
)

/** Plain data, so that a failure prints what happened, and shrinks. */
export const histories: fc.Arbitrary<History> = record({
  definition,
  steps: fc.array(step, { minLength: 1, maxLength: 40, size: 'max' }),
})
