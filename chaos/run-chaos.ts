import { mkdir } from 'node:fs/promises'
import { breakThings } from './break-things.ts'
import { startCallers } from './callers.ts'
import { startCommands } from './commands.ts'
import { judgeFairness } from './fairness.ts'
import type { Scene } from './faults/fault-kind.ts'
import { faultKinds } from './faults/fault-kinds.ts'
import { Counts } from './guards.ts'
import { createPatientClient } from './http-client.ts'
import { judge, judgeIds } from './judge/judge.ts'
import { judgeWebhooks } from './judge/judge-webhooks.ts'
import { type Measured, startProbes } from './judge/probes.ts'
import { countStoreGuards } from './judge/store-guards.ts'
import { openPace } from './pace.ts'
import { planFaults } from './plan.ts'
import { createRandom } from './random.ts'
import type { Accepted, ForegroundRun, Order, Told, Violation } from './record.ts'
import { settle } from './settle.ts'
import { isLost } from './store.ts'
import { openWorkers } from './workers.ts'
import { type Backend, openWorld, type World } from './world.ts'
import { startWriters } from './writers.ts'

export interface ChaosOptions {
  readonly seed: number
  readonly seconds: number
  readonly backend: Backend
  readonly workers: number
  /** The kinds of faults; undefined for all. */
  readonly only: readonly string[] | undefined
  /** The folder for the workers' logs. */
  readonly logFolder: string
  /** Ends the run early, as Ctrl+C does. */
  readonly signal: AbortSignal
  readonly log: (text: string) => void
}

export interface ChaosReport {
  readonly faults: Counts
  readonly guards: Counts
  readonly violations: readonly Violation[]
  readonly measured: Measured
  readonly accepted: number
  readonly commits: number
  /** From the last repair until every accepted request had ended. */
  readonly settledMs: number
}

export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const { seed, seconds, backend, only, signal, log } = options
  await mkdir(options.logFolder, { recursive: true })
  await using opened = new AsyncDisposableStack()
  const pace = opened.use(await openPace())
  const { bound } = pace
  const world = opened.use(await openWorld(backend, log))
  const faults = new Counts()
  const guards = new Counts()
  const violations: Violation[] = []
  const accepted: Accepted[] = []
  const orders: Order[] = []
  const foreground: ForegroundRun[] = []
  const measured: Measured = { readyMs: 0, memoryMegabytes: 0, warningsPerSecond: 0, checkpoints: 0 }
  const begunAt = performance.now()
  const violate = (promise: string, found: string): void => {
    const at = Math.round(performance.now() - begunAt)
    violations.push({ promise, found, at })
    log(`VIOLATION ${(at / 1_000).toFixed(1)} s: ${promise}: ${found}`)
  }

  const workers = opened.use(
    await openWorkers(world, options.workers, {
      guards,
      logFolder: options.logFolder,
      onDeath: (number, why) => violate('a worker lives', `worker ${number} exited unexpectedly: ${why}`),
    }),
  )
  const random = createRandom(seed)
  const kinds = faultKinds(backend, world.timeLibrary !== undefined).filter(({ name }) => only?.includes(name) ?? true)
  if (!world.timeLibrary) log('libfaketime is not installed, so no clock is wrong')
  const plan = planFaults(random, kinds, { seconds, workers: options.workers, accounts: world.accountNames })
  const scene: Scene = {
    world,
    workers,
    guards,
    violate,
    bound,
    client: createPatientClient(world, workers.everybody),
  }

  const probing = startProbes({ world, workers, violate, bound, measured, isBlocked: createBlockCheck(world) })
  const writing = startWriters(world.apiPool, createRandom(seed + 1))
  const callers = { world, workers, guards, accepted, orders, foreground, violate, bound }
  const calling = startCallers({ ...callers, random: createRandom(seed + 2) })
  const commanding = startCommands({ ...callers, random: createRandom(seed + 3) })
  try {
    log(`seed ${seed}: ${plan.length} faults of ${new Set(plan.map(({ kind }) => kind)).size} kinds in ${seconds} s`)
    await breakThings(plan, kinds, scene, { faults, log, signal })
    await Promise.all([calling[Symbol.asyncDispose](), commanding[Symbol.asyncDispose]()])
    await writing[Symbol.asyncDispose]()
    signal.throwIfAborted()

    const kept = <R extends Told>(told: readonly R[]): readonly R[] =>
      told.filter(({ askedAt, toldAt }) => !isLost(world.store.server?.losses ?? [], askedAt, toldAt))
    const owed = kept(accepted)
    guards.add('accepted and lost with its store', accepted.length - owed.length)
    log(
      `everything is repaired (this machine is ${pace.slowness().toFixed(1)} times slower than a quiet one); waiting for ${owed.length} accepted requests`,
    )
    const settled = await settle(scene, owed, signal)
    await probing[Symbol.asyncDispose]()
    await using _lent = await world.store.lend()
    await judge({ world, accepted: owed, orders: kept(orders), foreground: kept(foreground), violate })
    judgeIds(accepted, violate)
    await judgeFairness(world.onStore, settled.fairness, violate)
    await judgeWebhooks(world, guards, violate)
    await countStoreGuards(world, guards)
    const [row] = await world.onStore<{ commits: number }>('select count(*)::int as commits from chaos.commits')
    return {
      faults,
      guards,
      violations,
      measured,
      accepted: accepted.length,
      commits: row?.commits ?? 0,
      settledMs: settled.ms,
    }
  } finally {
    await Promise.allSettled([calling, commanding, writing, probing].map(part => part[Symbol.asyncDispose]()))
  }
}

/** A process whose event loop a job blocks answers nothing; that is the fault, not a violation. */
function createBlockCheck({ onStore }: World): (pid: number | undefined) => boolean {
  let blocked: readonly number[] = []
  const timer = setInterval(() => {
    onStore<{ pid: number }>(`select pid from chaos.blocks where at > now() - interval '60 s'`).then(
      rows => {
        blocked = rows.map(({ pid }) => pid)
      },
      () => {},
    )
  }, 1_000)
  timer.unref()
  return pid => pid !== undefined && blocked.includes(pid)
}
