import { UsageError } from '../errors.ts'
import { type CursorKind, findCursorKind } from '../pull/cursor-bound.ts'
import type { RootField } from './root-field.ts'
import type { RowColumn } from './row-columns.ts'

/** Usual names of a column that grows with every change, without case and underscores. */
const usualNames: readonly string[] = [
  'updatedat',
  'modifiedat',
  'changedat',
  'lastupdatedat',
  'lastmodifiedat',
  'lastchangedat',
  'lastupdated',
  'lastmodified',
  'lastchanged',
  'updatedon',
  'modifiedon',
  'changedon',
]

/**
 * Chooses the column that grows whenever a row changes: the requested one, or the one with a usual name.
 *
 * @param asked `none` for a pull without a cursor
 * @returns undefined for a pull without a cursor
 * @throws UsageError with the candidates and the flag, when the choice isn't clear or rows with a null cursor would be skipped
 */
export function chooseCursor(root: RootField, asked: string | undefined): RowColumn | undefined {
  if (asked === 'none') return undefined
  return asked === undefined ? findUsual(root) : requireUsable(root, asked)
}

function findUsual(root: RootField): RowColumn {
  const named = root.columns.filter(({ name }) => usualNames.includes(plain(name)))
  const usable = named.filter(column => isInstant(column) && whyUnusable(root, column) === undefined)
  const [only, ...others] = usable
  if (only && others.length === 0) return only
  if (only) {
    throw new UsageError({
      found: `Several columns of "${root.name}" may grow with every change (${list(usable)})`,
      remedy: 'choose one with --cursor',
    })
  }
  const likeliest = named.find(isInstant) ?? named[0]
  if (!likeliest) {
    throw new UsageError({
      found: `No column of "${root.name}" has the name of one that grows with every change, such as updated_at`,
      remedy: adviseInstead(root),
    })
  }
  const unusable = whyUnusable(root, likeliest)
  if (unusable !== undefined) throw unusableCursor(root, likeliest, unusable)
  const { name, type, comparedAs } = likeliest
  const found = `"${name}" of "${root.name}" has type ${type}, which is no instant`
  if (mayGrow.has(findCursorKind(comparedAs))) throw new UsageError({ found, remedy: adviseInstead(root) })
  throw new UsageError({
    found: `${found}: only the API knows its order, so rows that are committed late would be missed until the next sweep`,
    remedy: `give --cursor ${name} to choose it all the same; ${adviseInstead(root)}`,
  })
}

function requireUsable(root: RootField, name: string): RowColumn {
  const column = root.columns.find(candidate => candidate.name === name)
  if (!column) {
    throw new UsageError({ found: `"${root.name}" has no column "${name}" for a cursor`, remedy: adviseInstead(root) })
  }
  const unusable = whyUnusable(root, column)
  if (unusable !== undefined) throw unusableCursor(root, column, unusable)
  return column
}

function unusableCursor(root: RootField, { nullable }: RowColumn, found: string): UsageError {
  // All columns of a view can be null.
  const change = nullable && root.primaryKey ? "make it not null in the API's database; " : ''
  return new UsageError({ found, remedy: `${change}${adviseInstead(root)}` })
}

function whyUnusable(root: RootField, { name, nullable, problem }: RowColumn): string | undefined {
  if (nullable) return `"${name}" of "${root.name}" can be null, and a pull would never find rows where it is null`
  return problem.cursor === undefined ? undefined : `"${name}" of "${root.name}" can't be the cursor: ${problem.cursor}`
}

function adviseInstead(root: RootField): string {
  const grow = root.columns.filter(
    ({ nullable, comparedAs, problem }) =>
      !nullable && problem.cursor === undefined && mayGrow.has(findCursorKind(comparedAs)),
  )
  const one = grow.length > 0 ? `if one of ${list(grow)} grows with every change, choose it with --cursor; ` : ''
  return `${one}give --cursor none to read and compare all rows in every run`
}

/** Identifiers may not grow, and texts seldom do. */
const mayGrow: ReadonlySet<CursorKind | undefined> = new Set(['instant', 'local', 'number'])

function isInstant({ comparedAs }: RowColumn): boolean {
  return comparedAs.startsWith('timestamp')
}

function plain(name: string): string {
  return name.replaceAll('_', '').toLowerCase()
}

function list(columns: readonly RowColumn[]): string {
  return columns.map(({ name, type }) => `${name} ${type}`).join(', ')
}
