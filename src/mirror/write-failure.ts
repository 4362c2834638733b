import { sql } from 'kysely'
import { z } from 'zod'
import { PermanentError, RefusalError, type WorkerError } from '../errors.ts'
import type { Explanation } from '../explanation.ts'
import type { Rows } from '../hasura/rows.ts'
import type { FencedTransaction } from '../store/store.ts'
import { quoteForeign } from '../words/foreign-words.ts'
import type { MirrorColumn, MirrorTable } from './mirror-table.ts'
import { columnValue, unnestPage } from './page-rows.ts'

/** The fields of a Postgres error that both drivers report (PostgreSQL docs, 55.8 "Error and Notice Message Fields"). */
const fields = z.object({
  code: z.string(),
  column: z.string().optional(),
  constraint: z.string().optional(),
  /** The C function in Postgres that reported it. */
  routine: z.string().optional(),
  /** May contain row data. */
  message: z.string().optional(),
})
type Fields = z.infer<typeof fields>

/** Constraints that the worker creates; one with another name belongs to someone else. */
const ownConstraint = /_pkey\d*$|__change_idx\d*$/

/**
 * Explains an error from writing a mirror table, without the database's own message, which may contain row data. Undefined if the
 * error is about neither the table nor the rows.
 *
 * @param searched what `findRefusedColumn` found, if it was asked
 * @param remedy what to do about a value that doesn't fit its column; default: of a pull
 */
export function explainWriteFailure(
  error: unknown,
  { name, key }: Pick<MirrorTable, 'name' | 'key'>,
  searched?: { readonly column: MirrorColumn | undefined },
  remedy = `if its type has changed in the API, run "npm run -s cli -- schema pull"; otherwise remove the column from the document, change its values with the job's "transform", or correct the value at its source`,
): WorkerError | undefined {
  const parsed = fields.safeParse(error)
  if (!parsed.success) return undefined
  const told = parsed.data
  const table = `mirror.${name}`
  const changed = explainRefusedAccess(told, table) ?? explainChangedTable(told, { name, key })
  if (changed) return new RefusalError('mirror-table', 'job', withCode(changed, told), { cause: error })
  const refused = explainRefusedRow(told, table, key, searched, remedy)
  return refused && new PermanentError('mirror-row', withCode(refused, told), { cause: error })
}

function withCode({ found, remedy }: Explanation, { code }: Fields): Explanation {
  return { found: `${found} (SQLSTATE ${code})`, remedy }
}

/** Someone else owns the table, as after a restore, or its row security applies to the worker. The words quoted name only objects. */
function explainRefusedAccess({ code, routine, message = '' }: Fields, table: string): Explanation | undefined {
  if (code !== '42501') return undefined
  if (routine === 'ExecWithCheckOptions') {
    return {
      found: `The row security of ${table} refuses the worker's rows`,
      remedy: `let the user of DATABASE_URL own the table, and run alter table ${table} no force row level security`,
    }
  }
  if (routine !== 'aclcheck_error') return undefined
  const doctor = '"npm run -s cli -- doctor" names all that is missing'
  // It may be about a schema, or about a table that somebody's trigger writes.
  const isOfTable = message.endsWith(` table ${table.replace(/^mirror\./, '')}`)
  return {
    found: `The user of DATABASE_URL may not do what ${table} needs: ${quoteForeign(message)}`,
    remedy: isOfTable ? `let that user own the table (alter table ${table} owner to …); ${doctor}` : doctor,
  }
}

/** Someone added something to the table that may affect every row until it is removed. */
function explainChangedTable(
  { code, column, constraint }: Fields,
  { name, key }: Pick<MirrorTable, 'name' | 'key'>,
): Explanation | undefined {
  const table = `mirror.${name}`
  const constraintOf = (what: string) => ({
    found: `A row violates the ${what} "${constraint}" of ${table}, which this worker didn't create`,
    remedy: `drop it (alter table ${table} drop constraint …, or drop index), because a mirror stores what the API sends`,
  })
  switch (code) {
    case '23502':
      return {
        found: `Column "${column}" of ${table} is not null, but a row has no value for it`,
        remedy: `run alter table ${table} alter column "${column}" drop not null; if it is a key column, choose another key, because key columns can't be null`,
      }
    case '23503':
      return constraintOf('foreign key')
    case '23514':
      return constraintOf('check')
    case '23P01':
      return constraintOf('exclusion')
    case '23505':
      return constraint === undefined || ownConstraint.test(constraint) ? undefined : constraintOf('unique index')
    case '42P10':
      return {
        found: `The primary key of ${table} isn't ${['_account', ...key].map(column => `"${column}"`).join(', ')}, as after the job got another key`,
        remedy: 'drop the table or choose another "into" for the job, and the next run creates it and reads everything',
      }
    case '428C9':
      return {
        found: `A column that the API sends is a generated column in ${table}`,
        remedy: `drop the generated column or rename it, then run the job again`,
      }
    case '42701':
      return {
        found: `A column of ${table} has a name that Postgres reserves or that is taken`,
        remedy: 'give it an alias in the document',
      }
    case '54011':
      return {
        found: `${table} can't have another column: Postgres allows 1600, including dropped ones and the mirror's own`,
        remedy: `select fewer columns, or drop the table or choose another "into" for the job, and run "npm run -s cli -- reset JOB" to fill it again`,
      }
    default:
      return undefined
  }
}

/** A row that the table can't hold, although it can hold others. */
function explainRefusedRow(
  told: Fields,
  table: string,
  key: readonly string[],
  searched: { readonly column: MirrorColumn | undefined } | undefined,
  remedy: string,
): Explanation | undefined {
  const { code } = told
  if (code === '54000') return explainTooLarge(told, table, key)
  if (code.startsWith('P0')) {
    return {
      found: `A trigger on ${table}, or an event trigger of the database, which this worker didn't create, refused a row or a change of the table`,
      remedy: 'fix or drop the trigger',
    }
  }
  if (!isRefusedValue(code)) return undefined
  if (searched && !searched.column) return computed(table)
  const { column } = searched ?? {}
  const where = column
    ? `column "${column.name}" of ${table}, which is ${column.type}`
    : `its column of ${table}, or what an index computes from it`
  return { found: `${describeValue(code)} ${where}`, remedy }
}

function explainTooLarge({ constraint, routine = '' }: Fields, table: string, key: readonly string[]): Explanation {
  if (constraint !== undefined && !ownConstraint.test(constraint)) {
    return {
      found: `A value is too long for the index "${constraint}" of ${table}, which this worker didn't create`,
      remedy: 'drop the index, or index only part of the value, such as its first characters',
    }
  }
  // Postgres refuses an entry of more than 8,191 bytes before it knows the index.
  const isUnnamed = constraint === undefined && routine.startsWith('index_form_tuple')
  if (isUnnamed || constraint !== undefined) {
    const other = isUnnamed ? ", or of an index that this worker didn't create," : ''
    return {
      found: `A value of the key (${key.map(name => `"${name}"`).join(', ')}) of ${table}${other} is too long: with the account's name, an index entry can have at most 2,704 bytes after compression`,
      remedy: `choose a shorter key, ${isUnnamed ? 'drop the index, ' : ''}or exclude such rows with the job's "where"`,
    }
  }
  if (routine === 'RelationGetBufferForTuple') {
    return {
      found: `A row is too wide for ${table}: its columns of fixed length, and 18 bytes for each long text, must fit into 8,160 bytes`,
      remedy: 'select fewer columns',
    }
  }
  return computed(table)
}

/** No column refuses the value, so something does that Postgres computes from it. */
function computed(table: string): Explanation {
  return {
    found: `A row is refused by an index, a generated column or a trigger of ${table}, which this worker didn't create`,
    remedy: 'drop it, or let it use only what it accepts, such as left(body, 250000) for a text search',
  }
}

/** Class 22, data exception. */
function isRefusedValue(code: string): boolean {
  return code.startsWith('22')
}

function describeValue(code: string): string {
  if (code === '22003') return 'A number is too large for'
  if (code === '22007' || code === '22008') return 'A date or time is invalid for'
  if (code === '22001') return 'A text is too long for'
  return "A value doesn't fit"
}

/**
 * The column that refuses a value of the page. Postgres doesn't say which, so half of the remaining columns are read at a time
 * until one is left.
 *
 * @param error with which the page was refused
 * @returns undefined if the error has another cause, or if no single column refuses a value
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
