import { print } from 'graphql'
import { ConfigError } from '../errors.ts'
import type { Explanation, Told } from '../explanation.ts'
import { type DerivedDocuments, deriveDocuments } from '../hasura/derive-documents.ts'
import { readSelection, type SelectedColumn } from '../hasura/read-selection.ts'
import { loadRoleSchema, type RoleSchema } from '../hasura/role-schema.ts'
import { isComparedAsDouble, sentAs } from '../hasura/scalars.ts'
import { sortDocument } from '../hasura/sort-document.ts'
import { findColumnNameProblem, findTableNameProblem } from '../mirror/column-name.ts'
import type { MirrorTable } from '../mirror/mirror-table.ts'
import { requireClear } from '../mirror/soft-delete.ts'
import { findRowRisk, findTableProblems } from '../mirror/table-limits.ts'
import { findRuleProblem } from '../time/schedule-rule.ts'
import { fingerprintOf } from './checkpoint.ts'
import { findComparison } from './compare-values.ts'
import { findCursorKind } from './cursor-bound.ts'
import { findNullRisk } from './find-null-risk.ts'
import { findOrderProblem } from './find-order-problem.ts'
import { describeDocument, type PullDefinition } from './pull-definition.ts'
import type { PullCursor } from './pull-run.ts'
import type { PullSettings } from './pull-settings.ts'
import { directions, type ScanOrder, type Where } from './remote/scan.ts'
import { requireWholeList } from './require-whole-list.ts'
import { spellWhere } from './spell-where.ts'

/** What a pull's document means in the schema of its role. */
export interface PullShape {
  /** The path of the list in `data`: `users`, or `north.users` in a namespace. */
  readonly place: string
  readonly derived: DerivedDocuments
  readonly mirror: MirrorTable
  readonly key: ScanOrder
  readonly cursor: PullCursor | undefined
  /** The mirrored columns by name, with type and selection, and the one that marks deleted rows. */
  readonly columns: Readonly<Record<string, string>>
  /** A fingerprint of what is read and in which order, without the columns. */
  readonly definition: string
  /** The same in parts that can be named. */
  readonly parts: Omit<PullDefinition, 'filter'>
  /**
   * An account's filter as the API spells it.
   *
   * @throws PermanentError (`where`) if it isn't one
   */
  spellWhere(given: unknown, account: string): Where
}

/** Reading a schema takes a while, and it changes only with the checkout, so it is done once. */
export function createShapeFinder(settings: PullSettings): (schemaFolder: URL) => Promise<PullShape> {
  const shapes = new Map<string, Promise<PullShape>>()
  return folder => {
    const known = shapes.get(folder.href)
    if (known) return known
    const shape = loadRoleSchema(folder, settings.role).then(schema => readShape(settings, schema))
    shapes.set(folder.href, shape)
    // A schema that could not be read may have been pulled meanwhile.
    shape.catch(() => shapes.delete(folder.href))
    return shape
  }
}

/** Which options don't fit the document, or are invalid. */
export function findShapeProblems(settings: PullSettings, schema: RoleSchema): readonly Told[] {
  const { into, sweep, pageSize, ranges, lookback, guard } = settings
  const rule = sweep ? findRuleProblem(sweep) : undefined
  const tableProblem = findTableNameProblem(into)
  const correct = (found: string): Explanation => ({ found, remedy: 'correct this option of the job' })
  const problems: Told[] = [
    ...(rule === undefined ? [] : [correct(`its sweep's ${rule}`)]),
    ...(tableProblem === undefined
      ? []
      : [{ found: `mirror table "${into}" ${tableProblem}`, remedy: 'give it another name with "into"' }]),
    ...Object.entries({ pageSize, ranges }).flatMap(([name, value]) =>
      Number.isSafeInteger(value) && value > 0
        ? []
        : [correct(`"${name}" is ${value}, but must be a whole number, 1 or more`)],
    ),
    ...(lookback === undefined || (Number.isFinite(lookback) && lookback >= 0)
      ? []
      : [correct(`"lookback" is ${lookback}, but must be a number, 0 or more`)]),
    ...(guard.share >= 0 && guard.share <= 1
      ? []
      : [
          {
            found: `"deletionGuard.share" is ${guard.share}, but must be a number from 0 to 1`,
            remedy: 'write 0.3 for 30 %, or 1 to allow any number of deletions',
          },
        ]),
    ...(guard.floor >= 0 ? [] : [correct(`"deletionGuard.floor" is ${guard.floor}, but must be a number, 0 or more`)]),
  ]
  try {
    const { cursor } = readShape(settings, schema)
    if (cursor?.kind !== 'order' || !lookback) return problems
    return [
      ...problems,
      {
        found: `"lookback" is ${lookback}, but cursor "${cursor.column}" is ${cursor.type}, which is neither an instant nor a number`,
        remedy: 'remove it; a sweep finds rows of transactions that were committed late',
      },
    ]
  } catch (error) {
    if (error instanceof ConfigError) return [...problems, ...error.problems]
    throw error
  }
}

/** Problems that only some rows will show, of a pull with a valid shape. */
export function findShapeRisk(settings: PullSettings, schema: RoleSchema): Explanation | undefined {
  const { columns } = readSelection(settings.document, schema, settings.flatten)
  return findNullRisk(settings, columns) ?? findRowRisk(columns)
}

/** @throws ConfigError if the options don't fit the document */
export function readShape(settings: PullSettings, schema: RoleSchema): PullShape {
  const { document, key, cursor: cursorColumn, into } = settings
  const { list, naming, columns } = readSelection(document, schema, settings.flatten)
  const find = (name: string): SelectedColumn => {
    const column = columns.find(candidate => candidate.name === name)
    if (column) return column
    const remedy = 'add it to the document, or name the alias that the document gives it, and run "npm run codegen"'
    throw new ConfigError([{ found: `"${name}" is not selected by its document`, remedy }])
  }
  const findOrdered = (name: string, use: 'key' | 'cursor'): SelectedColumn => {
    const column = find(name)
    const problem = column.path ? 'it is a field of a nested object' : findOrderProblem(list, column.field, use)
    if (problem === undefined) return column
    const remedy =
      use === 'key'
        ? 'choose other columns that identify a row, such as a unique id, or pull a view that shows it as text'
        : 'choose another cursor, or none to read and compare all rows every time'
    throw new ConfigError([
      { found: `"${name}" can't be ${use === 'key' ? 'a key column' : 'the cursor'}: ${problem}`, remedy },
    ])
  }
  for (const { name } of columns) {
    const problem = findColumnNameProblem(name)
    if (problem !== undefined) {
      throw new ConfigError([{ found: `column "${name}" ${problem}`, remedy: 'give it an alias in the document' }])
    }
  }
  const impossible = findTableProblems(columns, key)
  if (impossible.length > 0) throw new ConfigError(impossible)
  const { softDelete } = settings
  if (softDelete) requireClear(softDelete, find(softDelete.column))
  const namesOf = (includes: (scalar: string) => boolean) =>
    new Set(columns.flatMap(({ name, scalar = '' }) => (includes(scalar) ? name : [])))
  const fields = new Map(columns.filter(({ name, field }) => name !== field).map(({ name, field }) => [name, field]))
  const comparisons = new Map(columns.map(column => [column.name, findComparison(column)]))
  const ordering = {
    fields,
    comparisons,
    directions: directions[naming],
    sentAsNumbers: namesOf(scalar => sentAs(scalar, naming) === 'number'),
    sentAsBooleans: namesOf(scalar => sentAs(scalar, naming) === 'boolean'),
    comparedAsDoubles: namesOf(scalar => isComparedAsDouble(scalar, naming)),
  }
  requireWholeList(
    settings,
    list,
    key.map(name => find(name).field),
  )
  const keyOrder = { ...ordering, columns: key.map(name => findOrdered(name, 'key').name) }
  const cursor =
    cursorColumn === undefined ? undefined : readCursor(findOrdered(cursorColumn, 'cursor'), settings, ordering)
  const derived = deriveDocuments(document, cursor?.order.columns ?? key, list)
  return {
    place: list.place,
    derived,
    mirror: { name: into, columns, key, softDelete },
    key: keyOrder,
    cursor,
    columns: {
      ...Object.fromEntries(columns.map(({ name, type, selected }) => [name, `${type} ${selected}`])),
      ...(softDelete && { _deleted_at: `${softDelete.column}${softDelete.isDeleted ? ' by the job' : ''}` }),
    },
    definition: JSON.stringify([print(derived.keys), keyOrder.columns, cursor?.order.columns, settings.role, into]),
    parts: {
      ...describeDocument(document),
      reads: fingerprintOf(print(sortDocument(derived.keys))),
      role: settings.role,
      key,
      cursor: cursorColumn,
      table: into,
    },
    spellWhere: (given, account) => spellWhere(given, list.field, { job: settings.name, account }),
  }
}

function readCursor(
  { name, type: mirrored, comparedAs: type = mirrored }: SelectedColumn,
  { key, lookback }: PullSettings,
  ordering: Omit<ScanOrder, 'columns'>,
): PullCursor {
  const kind = findCursorKind(type)
  if (!kind) throw new TypeError('a cursor that findOrderProblem has refused')
  const columns = [name, ...key.filter(column => column !== name)]
  return {
    column: name,
    type,
    kind,
    order: { ...ordering, columns },
    lookback,
  }
}
