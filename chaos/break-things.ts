import { setTimeout as delay } from 'node:timers/promises'
import type { FaultKind, Mend, Scene } from './faults/fault-kind.ts'
import type { Counts } from './guards.ts'
import type { Fault } from './plan.ts'

/** Starts each fault at its time, after the previous fault of its target is repaired. Resolves when all are repaired. */
export async function breakThings(
  plan: readonly Fault[],
  kinds: readonly FaultKind[],
  scene: Scene,
  { faults, log, signal }: { faults: Counts; log: (text: string) => void; signal: AbortSignal },
): Promise<void> {
  const begun = performance.now()
  const lastOn = new Map<string, Promise<void>>()
  const sleep = (ms: number): Promise<void> =>
    delay(Math.max(0, ms), undefined, { signal }).then(
      () => {},
      () => {},
    )
  async function happen(fault: Fault, before: Promise<void>): Promise<void> {
    await before
    await sleep(begun + fault.at - performance.now())
    const kind = kinds.find(({ name }) => name === fault.kind)
    if (!kind || signal.aborted) return
    const told = `${((performance.now() - begun) / 1_000).toFixed(1)} s: ${kind.name} on ${fault.target}`
    let mend: Mend
    try {
      mend = await kind.begin(scene, fault)
    } catch (error) {
      // Another fault broke what this one needs.
      log(`${told} could not start: ${error}`)
      return
    }
    faults.add(kind.name)
    log(`${told} for ${(fault.lasts / 1_000).toFixed(1)} s`)
    await sleep(fault.lasts)
    await mendSurely(mend)
  }
  const all = plan.map(fault => {
    const happening = happen(fault, lastOn.get(fault.target) ?? Promise.resolve())
    lastOn.set(
      fault.target,
      happening.catch(() => {}),
    )
    return happening
  })
  await Promise.all(all)
}

/** Another fault may prevent the repair until it is repaired itself. */
async function mendSurely(mend: Mend): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await mend()
      return
    } catch (error) {
      if (tries === mendTries) throw error
      await delay(1_000)
    }
  }
}

const mendTries = 60
