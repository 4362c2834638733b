import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Lines, openLines } from '../fixtures/open-lines.ts'
import { findCodeBlocks, findSection, readDocument } from './markdown.ts'

let lines: Lines
beforeAll(async () => {
  lines = await openLines('embedded')
})
afterAll(() => lines[Symbol.asyncDispose]())

test('a program with the rights that operations.md grants makes a request by the statement there, and may do no more', async () => {
  const { store } = lines
  const section = findSection(readDocument('docs/operations.md'), 'Requests and runs')
  const [call = '', ...grants] = findCodeBlocks(section)
    .filter(({ language }) => language === 'sql')
    .flatMap(({ code }) => code.split(';').filter(statement => statement.trim() !== ''))
  await sql`create role orders`.execute(store)
  const asOrders = (statement: string) =>
    store.transaction().execute(async tx => {
      await sql`set local role orders`.execute(tx)
      return sql<{ request: string }>`${sql.raw(statement)}`.execute(tx)
    })
  await expect(asOrders(call)).rejects.toThrow(/permission denied for schema worker/)
  for (const grant of grants) await sql.raw(grant).execute(store)
  const { rows } = await asOrders(call)
  const made = await store
    .selectFrom('worker.requests')
    .select(['job', 'account', 'trigger', 'state'])
    .where('id', '=', rows[0]?.request ?? '')
    .executeTakeFirst()
  expect(made).toEqual({ job: 'sync-articles', account: 'default', trigger: 'sql', state: 'waiting' })
  await expect(asOrders('select * from worker.requests')).rejects.toThrow(/permission denied/)
})
