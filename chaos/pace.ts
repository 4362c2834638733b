import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { USUAL_MS } from '../test/services/measure-slowness.ts'
import { every } from './every.ts'

const everyMs = 3_000
/** Looks that count: the slowest of them tells. */
const kept = 10

/** How slow the machine is: everything that is judged by the clock is judged by this one. */
export interface Pace extends AsyncDisposable {
  /** A bound that holds on a quiet machine, for this one. */
  bound(ms: number): number
  slowness(): number
}

export async function openPace(): Promise<Pace> {
  const measured: number[] = []
  const look = async (): Promise<void> => {
    const begun = performance.now()
    await once(spawn(process.execPath, ['-e', '0'], { stdio: 'ignore' }), 'exit')
    measured.unshift((performance.now() - begun) / USUAL_MS)
    measured.length = Math.min(measured.length, kept)
  }
  await look()
  const looking = every(() => everyMs, look)
  const slowness = (): number => Math.max(1, ...measured)
  return {
    slowness,
    bound: ms => Math.round(ms * slowness()),
    [Symbol.asyncDispose]: () => looking[Symbol.asyncDispose](),
  }
}
