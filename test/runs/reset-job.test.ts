import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startProcess } from '../../src/process/process.ts'
import { systemClock } from '../../src/time/clock.ts'
import { captureLog } from '../fixtures/captured-log.ts'
import { openTestApp, type TestApp } from '../fixtures/open-test-app.ts'
import { takeLine } from '../fixtures/take-line.ts'

describe('a checkpoint that is reset', () => {
  let app: TestApp
  beforeAll(async () => {
    app = await openTestApp()
  })
  afterAll(() => app[Symbol.asyncDispose]())

  const run = (account: string) => app.operations.run({ job: 'sync-topics', account })

  test('makes the next run read everything, over the rows that are there', async () => {
    const account = app.addAccount()
    const first = await run(account)
    expect(await run(account)).toHaveProperty('from')
    await app.operations.reset({ job: 'sync-topics', account })
    const again = await run(account)
    expect(again).toMatchObject({ counts: { read: 12, unchanged: 12 } })
    expect(again).not.toHaveProperty('from')
    expect(first).toMatchObject({ counts: { inserted: 12 } })
  })

  test('waits for no run of a dead process, also where no worker is alive', async () => {
    const account = app.addAccount()
    const { database } = app
    const dead = await startProcess(
      { database, clock: systemClock, log: captureLog().log },
      { host: 'elsewhere', pid: 1, isAlone: false },
    )
    await takeLine({ store: app.deps.store, process: dead }, account, 'sync-topics')
    await dead[Symbol.asyncDispose]()
    await app.operations.reset({ job: 'sync-topics', account })
    expect(await run(account)).toMatchObject({ counts: { inserted: 12 } })
  })

  test('is refused while a run could write it back', async () => {
    const account = app.addAccount()
    await run(account)
    await takeLine(app.deps, account, 'sync-topics')
    await expect(app.operations.reset({ job: 'sync-topics', account })).rejects.toThrow('sync-topics is running')
  })
})
