import { describe, expect } from 'vitest'
import { startProcess } from '../../src/process/process.ts'
import { systemClock } from '../../src/time/clock.ts'
import { appTest } from '../fixtures/app-test.ts'
import { captureLog } from '../fixtures/captured-log.ts'
import { takeLine } from '../fixtures/take-line.ts'

const test = appTest.extend(
  'run',
  ({ account, app }) =>
    () =>
      app.operations.run({ job: 'sync-topics', account }),
)

describe('a checkpoint that is reset', () => {
  test('makes the next run read everything, over the rows that are there', async ({ account, app, run }) => {
    const first = await run()
    expect(await run()).toHaveProperty('from')
    await app.operations.reset({ job: 'sync-topics', account })
    const again = await run()
    expect(again).toMatchObject({ counts: { read: 12, unchanged: 12 } })
    expect(again).not.toHaveProperty('from')
    expect(first).toMatchObject({ counts: { inserted: 12 } })
  })

  test('waits for no run of a dead process, also where no worker is alive', async ({ account, app, run }) => {
    const { database } = app
    const dead = await startProcess(
      { database, clock: systemClock, log: captureLog().log },
      { host: 'elsewhere', pid: 1, isAlone: false },
    )
    await takeLine({ store: app.deps.store, process: dead }, account, 'sync-topics')
    await dead[Symbol.asyncDispose]()
    await app.operations.reset({ job: 'sync-topics', account })
    expect(await run()).toMatchObject({ counts: { inserted: 12 } })
  })

  test('is refused while a run could write it back', async ({ account, app, run }) => {
    await run()
    await takeLine(app.deps, account, 'sync-topics')
    await expect(app.operations.reset({ job: 'sync-topics', account })).rejects.toThrow('sync-topics is running')
  })
})
