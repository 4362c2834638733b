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
  const named = root.columns.filter(isInstant).filter(({ name }) => usualNames.includes(plain(name)))
  const usable = named.filter(({ nullable, problem }) => !nullable && problem.cursor === undefined)
  const [only, ...others] = usable
  if (only && others.length === 0) return only
  if (only) {
    throw new UsageError({
      found: `Several columns of "${root.name}" may grow with every change (${list(usable)})`,
      remedy: 'choose one with --cursor',
    })
  }
  const nullable = named.find(column => column.nullable)
  throw new UsageError({
    found: nullable
      ? whyNotNullable(root, nullable)
      : `No column of "${root.name}" has the name of one that grows with every change, such as updated_at`,
    remedy: adviseInstead(root),
  })
}

function requireUsable(root: RootField, name: string): RowColumn {
  const column = root.columns.find(candidate => candidate.name === name)
  if (!column) {
    throw new UsageError({ found: `"${root.name}" has no column "${name}" for a cursor`, remedy: adviseInstead(root) })
  }
  if (column.nullable) throw new UsageError({ found: whyNotNullable(root, column), remedy: adviseInstead(root) })
  if (column.problem.cursor !== undefined) {
    throw new UsageError({
      found: `"${name}" of "${root.name}" can't be the cursor: ${column.problem.cursor}`,
      remedy: adviseInstead(root),
    })
  }
  return column
}

function whyNotNullable(root: RootField, { name }: RowColumn): string {
  return `"${name}" of "${root.name}" can be null, and a pull would never find rows where it is null`
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
