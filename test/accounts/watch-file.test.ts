import { mkdtemp, rename, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { watchFile } from '../../src/app/watch-file.ts'
import { type Clock, systemClock } from '../../src/time/clock.ts'
import { untilAborted } from '../fixtures/until-aborted.ts'

let folder: string
let path: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hasura-sync-worker-watch-'))
  path = join(folder, 'accounts.yaml')
  await writeFile(path, 'one')
})
afterEach(() => rm(folder, { recursive: true, force: true }))

/** A watch that looks when it is told to. */
function open(outcome: () => Promise<void> = async () => {}) {
  const calls: boolean[] = []
  const pausesMs: number[] = []
  let arrive = () => {}
  let arrived = new Promise<void>(resolve => {
    arrive = resolve
  })
  let wake = () => {}
  let hangup = () => {}
  const clock: Clock = {
    ...systemClock,
    sleep(ms, signal) {
      pausesMs.push(ms)
      const woken = new Promise<void>(resolve => {
        wake = resolve
      })
      arrive()
      return Promise.race([untilAborted(signal), woken])
    },
  }
  const watching = watchFile(
    path,
    {
      clock,
      onHangup(listener) {
        hangup = listener
        return () => {
          hangup = () => {}
        }
      },
    },
    async asked => {
      calls.push(asked)
      await outcome()
    },
  )
  async function until(act: () => void): Promise<void> {
    await arrived
    arrived = new Promise<void>(resolve => {
      arrive = resolve
    })
    act()
    await arrived
  }
  return {
    calls,
    pausesMs,
    look: () => until(() => wake()),
    hangUp: () => until(() => hangup()),
    close: () => watching[Symbol.asyncDispose](),
  }
}

describe('a file that is watched', () => {
  test('is taken once soon after the start, since it may have changed while the worker started', async () => {
    const watch = open()
    await watch.look()
    await watch.look()
    await watch.look()
    expect(watch.calls).toEqual([false])
    expect(new Set(watch.pausesMs)).toEqual(new Set([2_000]))
    await watch.close()
  })

  test.each<[string, () => Promise<void>]>([
    ['written', () => writeFile(path, 'two, and longer')],
    [
      'replaced by one of the same size and time, as editors do',
      async () => {
        const past = new Date('2026-01-01')
        await utimes(path, past, past)
        await writeFile(`${path}.new`, 'two')
        await utimes(`${path}.new`, past, past)
        await rename(`${path}.new`, path)
      },
    ],
    ['taken away', () => rm(path)],
  ])('is taken again when it was %s, once it stays so', async (_how, change) => {
    const watch = open()
    await watch.look()
    await change()
    await watch.look()
    expect(watch.calls).toHaveLength(1)
    await watch.look()
    await watch.look()
    expect(watch.calls).toEqual([false, false])
    await watch.close()
  })

  test('is not taken while it is being written', async () => {
    const watch = open()
    await watch.look()
    for (const content of ['a', 'ab', 'abc']) {
      await writeFile(path, `accounts: ${content}`)
      await watch.look()
    }
    expect(watch.calls).toHaveLength(1)
    await watch.look()
    expect(watch.calls).toHaveLength(2)
    await watch.close()
  })

  test('is taken at once when somebody asks, also unchanged', async () => {
    const watch = open()
    await watch.look()
    await watch.hangUp()
    await watch.hangUp()
    expect(watch.calls).toEqual([false, true, true])
    await watch.close()
  })

  test('is taken again when that failed', async () => {
    let failures = 1
    const watch = open(async () => {
      failures -= 1
      if (failures >= 0) throw new Error('the store is away')
    })
    await watch.look()
    await watch.look()
    await watch.look()
    expect(watch.calls).toHaveLength(2)
    await watch.close()
  })
})
