import { AsyncLocalStorage } from 'node:async_hooks'
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineJob } from '../../src/definitions/define-job.ts'
import { OutageError } from '../../src/errors.ts'
import { runLine } from '../../src/execution/run-line.ts'
import type { Observer } from '../../src/observer/observer.ts'
import { tellAll } from '../../src/observer/tell-all.ts'
import { systemClock } from '../../src/time/clock.ts'
import { captureLog } from '../fixtures/captured-log.ts'
import { openTestApp } from '../fixtures/open-test-app.ts'
import { runPull } from '../fixtures/run-pull.ts'

/** Writes down all that it is told, each with the run during which that was. */
function createRecorder() {
  const during = new AsyncLocalStorage<string>()
  const told: { readonly what: string; readonly run: string | undefined; readonly facts: readonly unknown[] }[] = []
  const record =
    (what: string) =>
    (...facts: readonly unknown[]) => {
      told.push({ what, run: during.getStore(), facts })
    }
  const observer: Observer = {
    requestAccepted: record('requestAccepted'),
    ticketsAdded: record('ticketsAdded'),
    ticketTaken: record('ticketTaken'),
    nothingClaimed: record('nothingClaimed'),
    runClaimed: record('runClaimed'),
    runBegan: record('runBegan'),
    runEnded: record('runEnded'),
    pageWritten: record('pageWritten'),
    messageSent: record('messageSent'),
    holdPlaced: record('holdPlaced'),
    holdLifted: record('holdLifted'),
    tokenFetched: record('tokenFetched'),
    grantsCompared: record('grantsCompared'),
    apiAsked: record('apiAsked'),
    httpAnswered: record('httpAnswered'),
    guardFired: record('guardFired'),
    during: (step, work) => (step.kind === 'run' ? during.run(step.run.run, work) : work()),
  }
  return { observer, told, factsOf: (what: string) => told.filter(each => each.what === what).map(each => each.facts) }
}

const aDuration = expect.any(Number)

describe('an observer', () => {
  test('is told of a run from its request to its end, without a row or a secret', async () => {
    const { observer, told, factsOf } = createRecorder()
    await using app = await openTestApp({ observers: [observer] })
    const line = { job: 'sync-topics', account: 'default' }
    await runPull(app, app.deps.jobs.get(line.job) ?? expect.fail(), line.account)

    const [accepted, ...during] = told
    expect(accepted).toMatchObject({ what: 'requestAccepted', facts: [line, { trigger: 'cli', absorbed: false }] })
    expect(during[0]).toMatchObject({ what: 'runClaimed', facts: [line, { trigger: 'cli' }] })
    expect(new Set(during.map(({ run }) => run))).toEqual(new Set([expect.any(String)]))
    expect(factsOf('tokenFetched')).toEqual([
      ['default', { outcome: 'granted', isRenewal: false, durationMs: aDuration }],
    ])
    expect(factsOf('apiAsked')).toContainEqual([
      'default',
      { api: 'hasura', operation: 'query', outcome: 'done', status: 200, durationMs: aDuration },
    ])
    expect(factsOf('grantsCompared')).toEqual([['default', { role: 0, scope: 0 }]])
    expect(factsOf('runBegan')).toHaveLength(1)
    const { rows } = await sql<{ name: string }>`select title as name from mirror.topics`.execute(app.database.store)
    expect(factsOf('pageWritten')[0]?.[1]).toEqual({
      table: 'topics',
      read: rows.length,
      changed: rows.length,
      durationMs: aDuration,
    })
    expect(during.at(-1)).toMatchObject({ what: 'runEnded', facts: [line, { state: 'succeeded' }] })

    const text = JSON.stringify(told)
    for (const secret of ['secret-of-default', ...rows.map(({ name }) => name)]) expect(text).not.toContain(secret)
  })

  test('is told of nothing that a dry run would have written', async () => {
    const { observer, factsOf } = createRecorder()
    await using app = await openTestApp({ observers: [observer] })
    await runPull(app, app.deps.jobs.get('sync-topics') ?? expect.fail(), 'default', { dryRun: true })
    expect(factsOf('pageWritten')).toEqual([])
    expect(factsOf('runEnded')).toHaveLength(1)
  })

  test('is told of durations that no correction of the machine’s clock falsifies', async () => {
    const { observer, told } = createRecorder()
    let correctedMs = 0
    const clock = {
      ...systemClock,
      now() {
        correctedMs -= 1_000
        return systemClock.now() + correctedMs
      },
    }
    const job = defineJob({
      name: 'tell-shop',
      payload: z.strictObject({}),
      async run(_session, context) {
        await context.sending(new URL('https://shop.invalid'), async () => ({ kind: 'delivered' }))
        return {}
      },
    })
    await using app = await openTestApp({ observers: [observer], clock })
    app.addJob(job)
    for (const each of [job, app.deps.jobs.get('sync-topics') ?? expect.fail()]) await runPull(app, each, 'default')
    const timed = z.object({ durationMs: z.number() })
    const durations = told.flatMap(({ what, facts }) => {
      const { data } = timed.safeParse(facts.at(-1))
      return data ? [{ what, isNegative: data.durationMs < 0 }] : []
    })
    const kinds = ['apiAsked', 'messageSent', 'pageWritten', 'runEnded', 'tokenFetched']
    expect([...new Set(durations.map(({ what }) => what))].toSorted()).toEqual(kinds)
    expect(durations.filter(({ isNegative }) => isNegative)).toEqual([])
  })

  test('learns about a hold once the store has it, and about its end once it is lifted there', async () => {
    const { observer, factsOf } = createRecorder()
    let isAway = true
    const job = defineJob({
      name: 'ask-shop',
      payload: z.strictObject({}),
      async run() {
        if (isAway) throw new OutageError('shop', 'job', 'The shop is closed')
        return {}
      },
    })
    await using app = await openTestApp({ observers: [observer], firstLogin: null, jobs: [job] })
    const line = { job: job.name, account: 'default' }
    const run = () => runLine(app.deps, line, new AbortController().signal, () => 'end')
    const hold = expect.objectContaining({ code: 'shop', scope: 'job' })
    await expect(runPull(app, job, line.account)).rejects.toThrow('closed')
    expect(factsOf('holdPlaced')).toEqual([])

    await app.operations.makeRequest({ ...line, payload: {} })
    await run()
    expect(factsOf('holdPlaced')).toEqual([[expect.objectContaining(line), hold]])
    isAway = false
    await app.operations.probeHolds({ account: line.account })
    await run()
    expect(factsOf('holdLifted')).toEqual([[expect.objectContaining(line), hold]])
  })

  test('that throws keeps nothing from the others', () => {
    const { log, lines } = captureLog()
    const { observer, told } = createRecorder()
    const broken = {
      ticketsAdded() {
        throw new OutageError('exporter', 'job', 'The exporter is away')
      },
    }
    tellAll([broken, observer], log).ticketsAdded(3)
    expect(told).toMatchObject([{ what: 'ticketsAdded', facts: [3] }])
    expect(lines).toMatchObject([{ level: 'warn', error: { code: 'exporter' } }])
  })
})
