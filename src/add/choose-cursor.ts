import { UsageError } from '../errors.ts'
import { type CursorKind, findCursorKind } from '../pull/cursor-bound.ts'
import type { RootField } from './root-field.ts'
import type { RowColumn } from './row-columns.ts'

/** What a column that grows with every change is called, without case and underscores. */
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
 * The column that grows whenever a row changes: the one that was asked for, or the one that its name tells.
 *
 * @param asked `none` for a pull without one
 * @returns undefined for a pull without one
 * @throws UsageError naming the candidates and the flag, when it can't be told or rows without it would be skipped
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
      remedy: 'say which one does with --cursor',
    })
  }
  const nullable = named.find(column => column.nullable)
  throw new UsageError({
    found: nullable
      ? whyNotNullable(root, nullable)
      : `No column of "${root.name}" has a name that says that it grows with every change, such as updated_at`,
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
  return `"${name}" of "${root.name}" can be null, and a pull would never find the rows where it is`
}

function adviseInstead(root: RootField): string {
  const grow = root.columns.filter(
    ({ nullable, comparedAs, problem }) =>
      !nullable && problem.cursor === undefined && mayGrow.has(findCursorKind(comparedAs)),
  )
  const one = grow.length > 0 ? `if one of ${list(grow)} grows with every change, give it with --cursor; ` : ''
  return `${one}give --cursor none to read and compare all rows every time`
}

/** Of an identifier it can't be told whether it grows, and texts seldom do. */
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
