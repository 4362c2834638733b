import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { USUAL_MS } from '../test/services/measure-slowness.ts'
import { every } from './every.ts'

const everyMs = 3_000
/** How many measurements are kept; the slowest counts. */
const kept = 10

/** How slow the machine is. All time limits are scaled by it. */
export interface Pace extends AsyncDisposable {
  /** Scales a time limit of a quiet machine to this one. */
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
