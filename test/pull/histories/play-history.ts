import { sql } from 'kysely'
import type { TestApp } from '../../fixtures/open-test-app.ts'
import type { TableSandbox } from '../../fixtures/source-table.ts'
import { alterSelectPermission } from '../../sandbox/hasura/change-metadata.ts'
import { AccountState } from './account-state.ts'
import type { History, Run, Step, Write } from './history.ts'
import { FeedCopy } from './mirrored-rows.ts'
import { type Play, write, writeAll } from './play.ts'
import { playRun } from './play-run.ts'
import { pullOf } from './pull-of.ts'
import { createSource } from './source.ts'

/** Plays a history, and compares mirror and feed with what they should have after each step. */
export async function playHistory(app: TestApp, sandbox: TableSandbox, { definition, steps }: History): Promise<void> {
  const source = await createSource(sandbox, definition)
  const job = pullOf(source, definition, false)
  app.addJob(job)
  const addAccount = () => {
    const name = app.addAccount()
    return { name, state: new AccountState(), feed: new FeedCopy(app.deps.store, job.mirror, name) }
  }
  const play: Play = { app, definition, source, accounts: [addAccount(), addAccount()], reading: undefined }
  for (let id = 1; id <= definition.rows; id += 1) await write(play, { ...firstRow, id })
  for (const step of steps) await take(play, step)
  for (const account of [0, 1] as const) await take(play, { ...everything, account })
}

const firstRow: Omit<Write, 'id'> = { does: 'insert', sub: 'x', group: 0, kind: 'plain', value: 0, grows: true }

const everything: Omit<Run, 'account'> = {
  step: 'run',
  reads: 'full',
  isOlder: false,
  isDry: false,
  isRepeated: true,
  allowsDeletions: true,
  breaks: undefined,
  meanwhile: [],
  writes: [],
}

async function take(play: Play, step: Step): Promise<void> {
  const { app, source } = play
  const { name } = source.table
  switch (step.step) {
    case 'write':
      return writeAll(play, step.writes)
    case 'run':
      return playRun(play, step)
    case 'reset':
      await app.operations.reset({
        job: pullOf(source, play.definition, false).name,
        account: play.accounts[step.account].name,
      })
      return
    case 'permit': {
      const { limit, canCount } = step
      for (const { state } of play.accounts) state.changeLimit()
      return source.table.change(alterSelectPermission(name, 'viewer', { limit, allow_aggregations: canCount }))
    }
    case 'add column to source':
      return source.addColumn()
    case 'add column to mirror':
      // As its owner may, with a value that the worker knows nothing of.
      await sql`alter table if exists ${sql.table(`mirror.${name}`)} add column if not exists note text default 'mine'`.execute(
        app.deps.store,
      )
      return
  }
}
