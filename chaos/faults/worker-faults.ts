import { rollingJob } from '../jobs/names.ts'
import type { Worker } from '../worker-process.ts'
import type { FaultKind, Scene } from './fault-kind.ts'

/** Faults of worker processes; the fault's target has the number. */
export const workerFaults: readonly FaultKind[] = [
  {
    name: 'worker-killed',
    breaks: 'worker',
    lasts: [0, 4_000],
    async begin(scene, fault) {
      const worker = targetOf(scene, fault.target)
      await worker.kill()
      return () => worker.start()
    },
  },
  {
    name: 'all-workers-killed',
    breaks: 'load',
    lasts: [0, 2_000],
    async begin({ workers }) {
      const alive = workers.all.filter(worker => worker.pid !== undefined)
      await Promise.all(alive.map(worker => worker.kill()))
      return async () => {
        for (const worker of alive) await worker.start()
      }
    },
  },
  {
    name: 'worker-stopped-beyond-lease',
    breaks: 'worker',
    // Only this one makes a superseded run try to write.
    weight: 4,
    lasts: [7_000, 12_000],
    begin: pauseWorker,
  },
  {
    name: 'worker-stopped-briefly',
    breaks: 'worker',
    lasts: [500, 4_500],
    begin: pauseWorker,
  },
  {
    name: 'worker-terminated',
    breaks: 'worker',
    lasts: [0, 1_000],
    async begin(scene, fault) {
      const worker = targetOf(scene, fault.target)
      await terminate(scene, worker)
      return () => worker.start()
    },
  },
  {
    name: 'event-loop-blocked',
    breaks: 'load',
    lasts: [9_000, 9_000],
    async begin({ client, world }, { chance }) {
      const ms = Math.round(1_000 + chance * 8_000)
      await client.request(world.accountNames[0] ?? '', 'block', { ms })
      return () => {}
    },
  },
  {
    name: 'clock-an-hour-ahead',
    breaks: 'worker',
    needsTimeLibrary: true,
    lasts: [5_000, 10_000],
    async begin(scene, fault) {
      const worker = targetOf(scene, fault.target)
      await terminate(scene, worker)
      await worker.start({ aheadSeconds: 3_600 })
      return async () => {
        await worker.kill()
        await worker.start()
      }
    },
  },
  {
    name: 'clock-jumps',
    breaks: 'worker',
    needsTimeLibrary: true,
    lasts: [2_000, 8_000],
    async begin(scene, fault) {
      const worker = targetOf(scene, fault.target)
      await worker.setClock(Math.round(30 + fault.chance * 120))
      return () => worker.setClock(0)
    },
  },
  {
    name: 'more-replicas',
    breaks: 'load',
    backends: ['redis', 'postgres'],
    lasts: [6_000, 10_000],
    async begin(scene, { chance }) {
      const { workers } = scene
      const replicas = await workers.replicate(chance < 0.2 ? 4 : 2)
      await Promise.all(replicas.map(replica => replica.ready(scene.bound(5_000))))
      return async () => {
        await Promise.all(replicas.map(replica => terminate(scene, replica)))
        for (const replica of replicas) await workers.remove(replica)
      }
    },
  },
  {
    name: 'older-version-lacks-a-job',
    breaks: 'worker',
    weight: 3,
    lasts: [6_000, 12_000],
    async begin(scene, fault) {
      const worker = targetOf(scene, fault.target)
      await terminate(scene, worker)
      await worker.start({ without: rollingJob })
      // The fault's duration starts when the worker is ready; another fault may prevent that.
      await worker.ready(scene.bound(5_000))
      return async () => {
        await terminate(scene, worker)
        await worker.start()
      }
    },
  },
]

function pauseWorker(scene: Scene, { target }: { readonly target: string }): () => void {
  const worker = targetOf(scene, target)
  worker.pause()
  return () => worker.resume()
}

/** Milliseconds after SIGTERM within which a worker must exit. */
const promisedMs = 10_000

export async function terminate({ violate, bound }: Scene, worker: Worker): Promise<void> {
  const took = await worker.stop()
  const limit = bound(promisedMs)
  if (took !== undefined && took > limit) {
    violate(
      'SIGTERM ends a worker',
      `worker ${worker.number} lived ${Math.round(took)} ms (bound ${Math.round(limit)} ms)`,
    )
  }
}

function targetOf({ workers }: Scene, target: string): Worker {
  return workers.get(Number(target.split(':')[1]))
}
