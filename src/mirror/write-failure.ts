import { sql } from 'kysely'
import { z } from 'zod'
import { type Explanation, PermanentError, RefusalError, type WorkerError } from '../errors.ts'
import type { Rows } from '../hasura/rows.ts'
import type { FencedTransaction } from '../store/store.ts'
import type { MirrorColumn, MirrorTable } from './mirror-table.ts'
import { columnValue, unnestPage } from './page-rows.ts'

/** What both drivers tell of an error of Postgres' (PostgreSQL docs, 55.8 "Error and Notice Message Fields"). */
const fields = z.object({
  code: z.string(),
  column: z.string().optional(),
  constraint: z.string().optional(),
  /** The function of Postgres' own that says it. */
  routine: z.string().optional(),
})
type Fields = z.infer<typeof fields>

/** Made by the worker: a constraint of another name is somebody else's. */
const ownConstraint = /_pkey\d*$|__change_idx\d*$/

/**
 * What an error met while a mirror table was written says, and what to do about it: without the database's own message, which
 * may repeat a row. Undefined for what has nothing to do with the table or the rows.
 *
 * @param column that refuses a value, where it is known
 */
export function explainWriteFailure(
  error: unknown,
  { name, key }: Pick<MirrorTable, 'name' | 'key'>,
  column?: MirrorColumn,
): WorkerError | undefined {
  const parsed = fields.safeParse(error)
  if (!parsed.success) return undefined
  const told = parsed.data
  const table = `mirror.${name}`
  const changed = explainChangedTable(told, table)
  if (changed) return new RefusalError('mirror-table', 'job', withCode(changed, told), { cause: error })
  const refused = explainRefusedRow(told, table, key, column)
  return refused && new PermanentError('mirror-row', withCode(refused, told), { cause: error })
}

function withCode({ found, remedy }: Explanation, { code }: Fields): Explanation {
  return { found: `${found} (SQLSTATE ${code})`, remedy }
}

/** Somebody has given the table what the worker didn't: every row may meet it, until it is taken away. */
function explainChangedTable({ code, column, constraint }: Fields, table: string): Explanation | undefined {
  const constraintOf = (what: string) => ({
    found: `A row breaks the ${what} "${constraint}" of ${table}, which this worker didn't make`,
    remedy: `drop it (alter table ${table} drop constraint …, or drop index), since a mirror takes what the API sends`,
  })
  switch (code) {
    case '23502':
      return {
        found: `Column "${column}" of ${table} takes no null, and a row has none to give`,
        remedy: `run alter table ${table} alter column "${column}" drop not null; a key column is never null in the API, so choose another key where it is`,
      }
    case '23503':
      return constraintOf('foreign key')
    case '23514':
      return constraintOf('check')
    case '23P01':
      return constraintOf('exclusion')
    case '23505':
      return constraint === undefined || ownConstraint.test(constraint) ? undefined : constraintOf('unique index')
    case '428C9':
      return {
        found: `A column that the API gives is a generated one in ${table}`,
        remedy: `drop the generated column, or give it another name, and run again`,
      }
    case '42701':
      return {
        found: `A column of ${table} has a name that Postgres keeps for itself, or that is taken`,
        remedy: 'give it an alias in the document',
      }
    case '54011':
      return {
        found: `${table} has no room for another column: Postgres takes 1600, dropped ones and the mirror's own among them`,
        remedy: `select fewer, or drop the table and run "reset" for its job to fill it again`,
      }
    default:
      return undefined
  }
}

/** A row that the table can't hold, though others go well. */
function explainRefusedRow(
  { code, constraint, routine = '' }: Fields,
  table: string,
  key: readonly string[],
  column: MirrorColumn | undefined,
): Explanation | undefined {
  if (code === '54000' && constraint !== undefined && !ownConstraint.test(constraint)) {
    return {
      found: `A value is too long for the index "${constraint}" of ${table}, which this worker didn't make`,
      remedy: 'drop the index, or index a part of the value such as its first letters',
    }
  }
  // One of more than 8,191 bytes is refused where no index is known.
  if (code === '54000' && (constraint !== undefined || routine.startsWith('index_form_tuple'))) {
    return {
      found: `A value of the key (${key.map(name => `"${name}"`).join(', ')}) of ${table} is too long: with the account's name an entry of its index has room for 2,704 bytes, after compression`,
      remedy: `choose a shorter key, or leave such rows out by the job's "where"`,
    }
  }
  if (code === '54000') {
    return {
      found: `A row is too wide for ${table}: what its columns of fixed length hold, and 18 bytes for each long text, have to fit into 8,160 bytes`,
      remedy: 'select fewer columns',
    }
  }
  if (code.startsWith('P0')) {
    return {
      found: `A trigger on ${table}, which this worker didn't make, refused a row`,
      remedy: 'correct or drop the trigger',
    }
  }
  if (!isRefusedValue(code)) return undefined
  const where = column ? `column "${column.name}" of ${table}` : `its column of ${table}`
  return {
    found: `${describeValue(code)} ${where}${column ? `, which is ${column.type}` : ''}`,
    remedy: `take the column out of the document, change its rows by the job's "transform", or correct the value where it comes from`,
  }
}

/** Class 22, data exception. */
function isRefusedValue(code: string): boolean {
  return code.startsWith('22')
}

function describeValue(code: string): string {
  if (code === '22003') return 'A number is too large for'
  if (code === '22007' || code === '22008') return 'An instant or a date is none for'
  if (code === '22001') return 'A text is too long for'
  return 'A value does not fit'
}

/**
 * The column that refuses a value of the page. Postgres doesn't tell it, so halves of the columns are read until one is left.
 *
 * @param code the SQLSTATE that the page was refused with
 * @returns undefined for a code that comes from elsewhere, or when no column refuses anything by itself
 */
export async function findRefusedColumn(
  transaction: (work: (tx: FencedTransaction) => Promise<unknown>) => Promise<unknown>,
  page: Rows,
  columns: readonly MirrorColumn[],
  error: unknown,
): Promise<MirrorColumn | undefined> {
  const parsed = fields.safeParse(error)
  if (!parsed.success || !isRefusedValue(parsed.data.code)) return undefined
  let suspected = columns.filter(({ isGone }) => !isGone)
  while (suspected.length > 0) {
    const half = suspected.slice(0, Math.ceil(suspected.length / 2))
    const refuses = await isRefused(transaction, page, half)
    if (refuses && half.length === 1) return half[0]
    suspected = refuses ? half : suspected.slice(half.length)
  }
  return undefined
}

async function isRefused(
  transaction: (work: (tx: FencedTransaction) => Promise<unknown>) => Promise<unknown>,
  page: Rows,
  columns: readonly MirrorColumn[],
): Promise<boolean> {
  try {
    await transaction(async tx => {
      const values = columns.map(column => sql`count(${columnValue(column)})`)
      await sql`select ${sql.join(values)} from ${unnestPage(page, columns)}`.execute(tx)
    })
    return false
  } catch (error) {
    const parsed = fields.safeParse(error)
    if (parsed.success && isRefusedValue(parsed.data.code)) return true
    throw error
  }
}
