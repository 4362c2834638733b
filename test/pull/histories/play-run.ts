import { sql } from 'kysely'
import { expect } from 'vitest'
import { type PullPayload, pullPayload } from '../../../src/pull/pull-settings.ts'
import { runPull } from '../../fixtures/run-pull.ts'
import type { Definition, Run } from './history.ts'
import { readRows } from './mirrored-rows.ts'
import { type Play, write, writeAll } from './play.ts'
import { pullOf } from './pull-of.ts'

/** Runs the pull in the foreground, and compares what is mirrored where it should be right then. */
export async function playRun(play: Play, step: Run): Promise<void> {
  const { app, source, definition, accounts } = play
  const account = accounts[step.account]
  const job = pullOf(source, definition, step.isOlder)
  const { payload, keys } = await payloadOf(play, step)
  if (!payload) return
  const readAll = () => readRows(app.deps.store, job.mirror, account.name, { withDeleted: true })
  const before = step.isDry ? await readAll() : undefined

  const stopping = new AbortController()
  const written = planFaults(play, step, stopping)
  play.reading = account.name
  const failure = await runPull(app, job, account.name, { payload, dryRun: step.isDry, signal: stopping.signal })
    .then(() => undefined)
    .catch((error: unknown) => error)
  app.hasura.clearFaults()
  await Promise.all(written)
  play.reading = undefined

  if (failure !== undefined) expectAllowed(failure, step, definition)
  if (before) expect(await readAll()).toEqual(before)
  else if (failure === undefined && !step.isOlder) await expectFound(play, step, keys)
  account.state.endRun()
  await account.feed.follow()
  if (failure !== undefined || step.isDry || !step.isRepeated || step.meanwhile.length > 0) return
  await runPull(app, job, account.name, { payload })
  expect(await account.feed.follow(), 'changes of a run that finds nothing new').toBe(0)
}

/** @returns the writes that have begun, once the run has ended */
function planFaults(play: Play, { meanwhile, breaks, account }: Run, stopping: AbortController): Promise<void>[] {
  const { app, source, accounts } = play
  const written: Promise<void>[] = []
  for (const { after, writes } of meanwhile) {
    const until = () => {
      const all = writeAll(play, writes)
      written.push(all)
      return all
    }
    app.hasura.fault({ after, times: 1 }, { kind: 'wait', until })
  }
  if (!breaks) return written
  const match = { operationName: `Pull_${source.table.name}`, after: breaks.after, times: 1 }
  if (breaks.how === 'refused') {
    app.hasura.fault(match, { kind: 'graphql-error', code: 'validation-failed', message: 'no' })
    return written
  }
  const until = async () => {
    if (breaks.how === 'stopped') return stopping.abort(stopped)
    await sql`update worker.leases set run_id = null, process = null, slot = null
      where account = ${accounts[account].name} and job = ${pullOf(source, play.definition, false).name}`.execute(
      app.deps.store,
    )
  }
  app.hasura.fault(match, { kind: 'wait', until })
  return written
}

const stopped = new Error('stopped')

function expectAllowed(failure: unknown, { reads, breaks, allowsDeletions }: Run, { isGuarded }: Definition): void {
  if (failure === stopped && breaks?.how === 'stopped') return
  const codes = [
    ...(breaks?.how === 'refused' ? ['validation-failed'] : []),
    ...(breaks?.how === 'superseded' ? ['lease-lost'] : []),
    ...(isGuarded && !(allowsDeletions && (reads === 'full' || reads === 'sweep')) ? ['deletion-guard'] : []),
  ]
  expect(codes).toContain(Object(failure).code ?? failure)
}

interface Asked {
  readonly payload?: PullPayload
  /** The rows that it asks for. */
  readonly keys?: readonly string[]
}

async function payloadOf(play: Play, step: Run): Promise<Asked> {
  const { definition, source } = play
  const allowed = step.allowsDeletions ? { allowDeletions: true } : {}
  switch (step.reads) {
    case 'scan':
      return { payload: {} }
    case 'rung':
      return { payload: { rung: true } }
    case 'full':
      return { payload: { full: true, ...allowed } }
    case 'sweep':
      return { payload: { sweep: true, ...allowed } }
    case 'backfill':
      return definition.cursor ? { payload: { backfill: {} } } : {}
    case 'keys': {
      const keys = step.writes.map(({ id, sub }) => [
        definition.idType === 'int' ? String(id) : `k${id}`,
        ...(definition.hasCompositeKey ? [sub] : []),
      ])
      return { payload: { keys }, keys: keys.map(key => key.join('/')) }
    }
    case 'event': {
      const job = pullOf(source, definition, step.isOlder)
      const [first] = step.writes
      const written = first && (await write(play, first))
      if (!written || written.effects.length === 0) return {}
      const operation = !written.old ? 'INSERT' : written.new ? 'UPDATE' : 'DELETE'
      const event = { operation, old: written.old, new: written.new } as const
      return {
        payload: pullPayload.parse(job.payloadOfEvent?.(event, first.grows)),
        ...(!first.grows && first.does !== 'insert late' && first.does !== 'update without the cursor'
          ? { keys: written.effects.map(({ key }) => key) }
          : {}),
      }
    }
  }
}

/** After a run of the newer version that ended well. */
async function expectFound(play: Play, { reads, account }: Run, keys: readonly string[] = []): Promise<void> {
  const { app, definition, source, accounts } = play
  const { name, state } = accounts[account]
  if (reads === 'full' || (!definition.cursor && reads !== 'keys' && reads !== 'event'))
    state.found(['sweep', 'full read'])
  if (reads === 'sweep') state.found(['sweep'])
  if (reads === 'scan' || reads === 'full' || reads === 'sweep') state.meetLimit()
  if (reads === 'backfill' || (reads === 'rung' && !state.knowsLimit)) return
  state.readKeys(keys)
  const isAsked = (key: string) => !(reads === 'keys' || reads === 'event') || keys.includes(key)
  const isSure = (key: string) => state.isSettled(key) && isAsked(key)
  const { mirror } = pullOf(source, definition, false)
  const mirrored = [...(await readRows(app.deps.store, mirror, name))].map(([key, { row }]) => [key, row] as const)
  const only = (rows: Iterable<readonly [string, string]>) => [...rows].filter(([key]) => isSure(key)).sort()
  expect(only(mirrored), `after a ${reads}`).toEqual(only(await source.expected()))
}
