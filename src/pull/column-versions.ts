/*
 * Two versions of a job may run side by side, or an older one may return. A version leaves columns that it doesn't select
 * unchanged, in the rows it writes and in the stored state. The version that selects them reads those rows again, and no others.
 * Only a full read (`--full`) sets columns that are no longer selected to null.
 */
import { z } from 'zod'

/** Columns by name: the type of each, and how it is selected. */
export type Columns = Readonly<Record<string, string>>

/** The checkpoint after which a scan finds everything that was written later. */
const boundSchema = z.object({ high: z.string().optional(), scannedAt: z.string().optional() })
export type Bound = z.infer<typeof boundSchema>

export function boundOf({ high, scannedAt }: { readonly [C in keyof Bound]?: Bound[C] | undefined }): Bound {
  return { ...(high !== undefined && { high }), ...(scannedAt !== undefined && { scannedAt }) }
}

export const columnStateSchema = z.object({
  /** How a column was selected before its current selection: a run that still selects it so is of an older version. */
  former: z.record(z.string(), z.array(z.string())),
  /** Columns that runs have left unchanged, and since when; null: in rows with any cursor. */
  left: z.object({ columns: z.array(z.string()), since: boundSchema.nullable() }).optional(),
})
export type ColumnState = z.infer<typeof columnStateSchema>

/** What the rows of a mirror were read with. */
export interface ColumnVersions extends ColumnState {
  readonly columns: Columns
}

/** How a run's columns relate to those of the mirror. */
export interface ColumnPlan {
  /** Not in the mirror yet, or selected in a new way: everything is read again. */
  readonly gained: readonly string[]
  /** In the mirror, but not selected by the run. */
  readonly lost: readonly string[]
  /** These, and those that it selects like an older version. */
  readonly leaves: readonly string[]
  /** Selected by the run, but left unchanged by earlier runs. */
  readonly missed: readonly string[]
}

export function planColumns(ours: Columns, known: ColumnVersions | undefined): ColumnPlan {
  if (!known) return { gained: [], lost: [], leaves: [], missed: [] }
  const [columns, former] = [new Map(Object.entries(known.columns)), new Map(Object.entries(known.former))]
  const selected = new Map(Object.entries(ours))
  const lost = [...columns.keys()].filter(name => !selected.has(name))
  const differing = [...selected].filter(([name, selection]) => columns.get(name) !== selection)
  const older = differing.filter(([name, selection]) => former.get(name)?.includes(selection)).map(([name]) => name)
  const leaves = [...lost, ...older]
  return {
    gained: differing.map(([name]) => name).filter(name => !older.includes(name)),
    lost,
    leaves,
    missed: (known.left?.columns ?? []).filter(name => selected.has(name) && !leaves.includes(name)),
  }
}

/** Rows with any cursor lack the run's missed columns, so no scan finds them all. */
export function needsFullRead(known: ColumnVersions | undefined, { gained, missed }: ColumnPlan): boolean {
  return gained.length > 0 || (missed.length > 0 && known?.left?.since === null)
}

/** What to store when a scan starts, and where it starts instead, to find the rows that lack its missed columns. */
export function beginScan(
  { left }: ColumnVersions,
  { leaves, missed }: ColumnPlan,
  checkpoint: Bound,
): { readonly left: ColumnState['left']; readonly since: Bound | undefined } {
  const since = missed.length > 0 ? (left?.since ?? undefined) : undefined
  return { left: withMore(without(left, missed), leaves, since ?? checkpoint), since }
}

/** What to store before rows with any cursor are written. */
export function beginAnyRows({ left }: ColumnState, { leaves }: ColumnPlan): ColumnState['left'] {
  return leaves.length > 0 ? withMore(left, leaves, null) : left
}

/**
 * What to store after a read of everything.
 *
 * @param before undefined if rows that no scan finds may have been inserted without the columns that the run leaves out
 */
export function endFullRead(
  ours: Columns,
  known: ColumnVersions | undefined,
  { leaves, lost, gained }: ColumnPlan,
  before: Bound | undefined,
): ColumnVersions {
  if (!known) return { columns: ours, former: {}, left: undefined }
  const kept = Object.fromEntries(Object.entries(known.columns).filter(([name]) => leaves.includes(name)))
  const replaced = Object.entries(known.columns).filter(([name]) => gained.includes(name))
  const former = new Map(Object.entries(known.former))
  for (const [name, selection] of replaced) former.set(name, [...(former.get(name) ?? []), selection])
  const rest = without(known.left, Object.keys(ours))
  return {
    columns: { ...ours, ...kept },
    former: Object.fromEntries(former),
    // Columns that it selects like an older version now have that version's values in every row.
    left: withMore(rest, leaves, leaves.length > lost.length ? null : (before ?? null)),
  }
}

function without(left: ColumnState['left'], names: readonly string[]): ColumnState['left'] {
  const columns = (left?.columns ?? []).filter(name => !names.includes(name))
  return left && columns.length > 0 ? { ...left, columns } : undefined
}

/** The oldest checkpoint wins, so that nothing is missed. */
function withMore(left: ColumnState['left'], names: readonly string[], since: Bound | null): ColumnState['left'] {
  const columns = [...new Set([...(left?.columns ?? []), ...names])]
  if (columns.length === 0) return undefined
  return { columns, since: since === null ? null : left ? left.since : since }
}
