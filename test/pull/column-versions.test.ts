import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  beginAnyRows,
  beginScan,
  type Columns,
  type ColumnVersions,
  endFullRead,
  needsFullRead,
  planColumns,
} from '../../src/pull/column-versions.ts'

const known: ColumnVersions = {
  columns: { id: 'integer id', title: 'text title', author: 'jsonb author { name email }' },
  former: { author: ['jsonb author { name }'] },
}
const nothing = { gained: [], lost: [], leaves: [], missed: [] }

describe('a run’s columns, beside those that the mirror was read with,', () => {
  test.each<[string, Columns, Partial<ReturnType<typeof planColumns>>]>([
    ['may be the same', known.columns, {}],
    ['may be more', { ...known.columns, constructor: 'text constructor' }, { gained: ['constructor'] }],
    ['may be less', { id: 'integer id', title: 'text title' }, { lost: ['author'], leaves: ['author'] }],
    ['may be selected as before', { ...known.columns, author: 'jsonb author { name }' }, { leaves: ['author'] }],
    ['may be selected as never before', { ...known.columns, author: 'jsonb author { email }' }, { gained: ['author'] }],
    [
      'may be others',
      { id: 'integer id', heading: 'text title', author: 'jsonb author { name email }' },
      { gained: ['heading'], lost: ['title'], leaves: ['title'] },
    ],
  ])('%s', (_what, ours, plan) => {
    expect(planColumns(ours, known)).toEqual({ ...nothing, ...plan })
  })

  test('are all that counts in a first run', () => {
    const ours = { id: 'integer id' }
    expect(planColumns(ours, undefined)).toEqual(nothing)
    expect(endFullRead(ours, undefined, nothing, undefined)).toEqual({ columns: ours, former: {} })
  })

  test('that replace others make those an older version', () => {
    const ours = { ...known.columns, author: 'jsonb author { email }' }
    const after = endFullRead(ours, known, planColumns(ours, known), {})
    expect(after).toMatchObject({ columns: ours, left: undefined })
    expect(planColumns(known.columns, after)).toEqual({ ...nothing, leaves: ['author'] })
  })
})

/** A source, its mirror and what is remembered; one instant passes with each step. */
interface World {
  now: number
  readonly source: Map<number, { cursor: number; value: number }>
  readonly mirror: Map<number, Record<string, string>>
  versions?: ColumnVersions
  scannedAt?: string
}

const write = (world: World, ours: Columns, ids: readonly number[]): number => {
  let inserted = 0
  for (const id of ids) {
    if (!world.mirror.has(id)) inserted += 1
    const value = world.source.get(id)?.value
    const row = Object.entries(ours).map(([name, selection]) => [name, `${selection} ${value}`])
    world.mirror.set(id, { ...world.mirror.get(id), ...Object.fromEntries(row) })
  }
  return inserted
}

/** @returns whether everything was read */
function run(world: World, ours: Columns, sweeps: boolean): boolean {
  const { versions, scannedAt, source, mirror } = world
  const plan = planColumns(ours, versions)
  const isFull = !versions || scannedAt === undefined || needsFullRead(versions, plan)
  const checkpoint = scannedAt === undefined ? {} : { scannedAt }
  if (isFull) {
    const inserted = write(world, ours, [...source.keys()])
    world.versions = endFullRead(ours, versions, plan, inserted === 0 ? checkpoint : undefined)
  } else {
    const { left, since = checkpoint } = beginScan(versions, plan, checkpoint)
    const found = [...source].filter(([, { cursor }]) => cursor >= Number(since.scannedAt))
    write(
      world,
      ours,
      found.map(([id]) => id),
    )
    world.versions = { ...versions, left }
    const late = [...source.keys()].filter(id => !mirror.has(id))
    if (sweeps && late.length > 0) {
      world.versions = { ...world.versions, left: beginAnyRows(world.versions, plan) }
      write(world, ours, late)
    }
  }
  world.scannedAt = String(world.now)
  return isFull
}

const documents: readonly Columns[] = [
  { id: 'id', a: 'a' },
  { id: 'id', a: 'a', b: 'b' },
  { id: 'id', b: 'b', c: 'c' },
  { id: 'id', a: 'a { more }' },
]

describe('versions that run in any order', () => {
  const step = fc.oneof(
    fc.record({ touch: fc.integer({ min: 0, max: 5 }), late: fc.boolean() }),
    fc.record({ run: fc.nat({ max: documents.length - 1 }), sweeps: fc.boolean() }),
  )

  test('miss no row: the columns in which a version is the latest are right wherever it has read', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 25 }), steps => {
        const world: World = { now: 0, source: new Map(), mirror: new Map() }
        for (const each of steps) {
          world.now += 1
          if ('touch' in each) {
            const isLate = each.late && !world.source.has(each.touch)
            world.source.set(each.touch, { cursor: isLate ? -1 : world.now, value: world.now })
            continue
          }
          const ours = documents[each.run] ?? {}
          run(world, ours, each.sweeps)
          for (const [name, selection] of Object.entries(ours)) {
            if (world.versions?.columns[name] !== selection) continue
            for (const [id, row] of world.mirror) {
              expect(row[name]).toBe(`${selection} ${world.source.get(id)?.value}`)
            }
          }
        }
      }),
      {
        numRuns: 500,
        examples: [
          // A version that reads everything for a column of its own, and selects another as an older one did.
          [[{ touch: 0, late: false }, ...[0, 3, 1, 3].map(document => ({ run: document, sweeps: false }))]],
        ],
      },
    )
  })

  test('read everything once for each column that is new, and not at every turn', () => {
    const world: World = { now: 0, source: new Map(), mirror: new Map() }
    const [older = {}, newer = {}] = documents
    const full = Array.from({ length: 10 }, (_, turn) => {
      world.now += 1
      world.source.set(turn, { cursor: world.now, value: turn })
      return run(world, turn % 2 ? newer : older, true)
    })
    expect(full).toEqual([true, true, ...Array.from({ length: 8 }, () => false)])
  })
})
