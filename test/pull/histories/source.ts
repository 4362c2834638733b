import type { SourceTable, TableSandbox } from '../../fixtures/source-table.ts'
import { literal } from '../../sandbox/hasura/sql-builder.ts'
import { cursorTypes } from './cursor-types.ts'
import type { Definition, Write } from './history.ts'

/** What finds a write: each scan, only a sweep, or only what reads the row anyway. */
export type FoundBy = 'scan' | 'sweep' | 'full read'

export interface Effect {
  readonly key: string
  readonly foundBy: FoundBy
}

type Row = Record<string, unknown>

/** A write as an event trigger tells of it. */
export interface Written {
  readonly effects: readonly Effect[]
  readonly old?: Row
  readonly new?: Row
}

export interface Source {
  readonly table: SourceTable
  write(write: Write): Promise<Written>
  /** Columns that were added after the table. */
  readonly added: readonly string[]
  addColumn(): Promise<void>
  /** The rows that a mirror should have, each as JSON by its key. */
  expected(): Promise<ReadonlyMap<string, string>>
}

export async function createSource(sandbox: TableSandbox, definition: Definition): Promise<Source> {
  const { cursor, hasCompositeKey, idType, isFiltered, isSoft, isTransformed } = definition
  const { type, now, late } = cursorTypes[cursor ?? 'bigint']
  const table = await sandbox.createTable({
    columns: `id ${idType} not null, sub text not null, grp int not null, kind text not null, title text not null,
      gone boolean not null default false, c ${type} not null, primary key (id${hasCompositeKey ? ', sub' : ''})`,
  })
  const added: string[] = []
  let n = 0
  const idOf = (id: number) => (idType === 'int' ? String(id) : literal(`k${id}`))
  const keyOf = ({ id, sub }: Row) => (hasCompositeKey ? `${id}/${sub}` : String(id))
  const at = ({ id, sub }: Write) => `id = ${idOf(id)}${hasCompositeKey ? ` and sub = '${sub}'` : ''}`
  const update = async (write: Write, changes: string): Promise<[old: Row, new_: Row][]> => {
    const [old] = await sandbox.hasura.sql(`select to_jsonb(t) as row from ${table.name} t where ${at(write)}`)
    const rows = await sandbox.hasura.sql(
      `update ${table.name} t set ${changes} where ${at(write)} returning to_jsonb(t) as row`,
    )
    return rows.map(({ row }) => [old?.row as Row, row as Row])
  }
  /** A scan reads it where the filter doesn't exclude it. */
  const shown = (row: Row): Effect => ({
    key: keyOf(row),
    foundBy: isFiltered && Number(row.grp) >= 3 ? 'sweep' : 'scan',
  })

  async function write(given: Write): Promise<Written> {
    const { does, id, sub, group, kind, value, grows } = given
    const title = literal(`title ${value}`)
    if (grows || does === 'insert late') n += 1
    const touch = `c = ${now(n)}`
    const updates: Partial<Record<Write['does'], string>> = {
      update: `title = ${title}, kind = '${kind}', ${touch}`,
      flag: `gone = not gone, ${touch}`,
      move: `grp = ${group}, ${touch}`,
      'update without the cursor': `title = ${title}`,
    }
    if (does === 'insert' || does === 'insert late') {
      const isLate = does === 'insert late'
      const rows = await sandbox.hasura.sql(`insert into ${table.name} as t (id, sub, grp, kind, title, c)
        values (${idOf(id)}, '${sub}', ${group}, '${kind}', ${title}, ${isLate ? late(n) : now(n)})
        on conflict do nothing returning to_jsonb(t) as row`)
      const [row] = rows.map(({ row }) => row as Row)
      if (!row) return { effects: [] }
      return { effects: [isLate ? { key: keyOf(row), foundBy: 'sweep' } : shown(row)], new: row }
    }
    if (does === 'delete') {
      const rows = await sandbox.hasura.sql(
        `delete from ${table.name} t where ${at(given)} returning to_jsonb(t) as row`,
      )
      const [row] = rows.map(({ row }) => row as Row)
      return row ? { effects: [{ key: keyOf(row), foundBy: 'sweep' }], old: row } : { effects: [] }
    }
    if (does === 'rename') {
      const other = idOf(20 + (value % 4))
      const isFree = `not exists (select from ${table.name} where id = ${other})`
      const [pair] = await update(given, `id = case when ${isFree} then ${other} else id end, ${touch}`)
      if (!pair) return { effects: [] }
      const [old, new_] = pair
      const gone: Effect[] = keyOf(old) === keyOf(new_) ? [] : [{ key: keyOf(old), foundBy: 'sweep' }]
      return { effects: [...gone, shown(new_)], old, new: new_ }
    }
    const [pair] = await update(given, updates[does] ?? '')
    if (!pair) return { effects: [] }
    const [old, new_] = pair
    const isStale = does === 'update without the cursor'
    return { effects: [isStale ? { key: keyOf(new_), foundBy: 'full read' } : shown(new_)], old, new: new_ }
  }

  async function expected(): Promise<ReadonlyMap<string, string>> {
    const title = isTransformed ? "title || '!'" : 'title'
    const rows = await sandbox.hasura.sql(`select to_jsonb(r)::text as row, id, sub from (
      select ${['id', 'sub', 'grp', 'kind', `${title} as title`, 'gone', 'c', ...added].join(', ')} from ${table.name}
      where true ${isFiltered ? 'and grp < 3' : ''} ${isSoft ? 'and not gone' : ''}
        ${isTransformed ? "and kind <> 'omitted'" : ''}) r`)
    return new Map(rows.map(row => [keyOf(row), String(row.row)]))
  }

  return {
    table,
    write,
    added,
    expected,
    async addColumn() {
      const name = `added_${added.length}`
      await sandbox.hasura.sql(`alter table ${table.name} add column ${name} text default 'filled'`)
      await table.change()
      added.push(name)
    },
  }
}
