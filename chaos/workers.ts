import { openWorker, type Worker, type WorkerDeps } from './worker-process.ts'
import type { World } from './world.ts'

/** The workers of a run: the permanent ones, and temporary replicas. */
export interface Workers extends AsyncDisposable {
  /** The permanent ones, by number. */
  readonly all: readonly Worker[]
  /** Includes replicas that a fault added. */
  everybody(): readonly Worker[]
  get(number: number): Worker
  /** Adds replicas, until `remove`. */
  replicate(count: number): Promise<readonly Worker[]>
  remove(replica: Worker): Promise<void>
}

export async function openWorkers(world: World, count: number, deps: WorkerDeps): Promise<Workers> {
  await using opened = new AsyncDisposableStack()
  const all: Worker[] = []
  const more = new Set<Worker>()
  opened.defer(async () => {
    await Promise.all([...all, ...more].map(worker => worker[Symbol.asyncDispose]()))
  })
  for (let number = 0; number < count; number++) all.push(await openWorker(world, number, deps))
  for (const worker of all) await worker.start()
  let next = count
  const closing = opened.move()
  return {
    all,
    everybody: () => [...all, ...more],
    get(number) {
      const worker = all[number]
      if (!worker) throw new RangeError(`there is no worker ${number}`)
      return worker
    },
    async replicate(wanted) {
      const added: Worker[] = []
      for (let n = 0; n < wanted; n++) {
        const worker = await openWorker(world, next++, deps)
        more.add(worker)
        added.push(worker)
        await worker.start()
      }
      return added
    },
    async remove(worker) {
      if (more.delete(worker)) await worker[Symbol.asyncDispose]()
    },
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  }
}
