import { mkdir } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { startCallers } from './callers.ts'
import { startCommands } from './commands.ts'
import { testFairness } from './fairness.ts'
import type { FaultKind, Mend, Scene } from './faults/fault-kind.ts'
import { faultKinds } from './faults/fault-kinds.ts'
import { terminate } from './faults/worker-faults.ts'
import { Counts } from './guards.ts'
import { acceptedValues, judge } from './judge/judge.ts'
import { type Measured, startProbes } from './judge/probes.ts'
import { countStoreGuards } from './judge/store-guards.ts'
import { openPace } from './pace.ts'
import { type Fault, planFaults } from './plan.ts'
import { createRandom } from './random.ts'
import type { Accepted, Order, Violation } from './record.ts'
import { openWorkers } from './workers.ts'
import { type Backend, openWorld, type World } from './world.ts'
import { startWriters } from './writers.ts'

export interface ChaosOptions {
  readonly seed: number
  readonly seconds: number
  readonly backend: Backend
  readonly workers: number
  /** Where the workers' logs go. */
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
  /** From the last mend until every accepted request had ended. */
  readonly settledMs: number
}

/** After the last fault: 15 minutes for a retry, 5 for a hold, each of which may begin anew once. */
const settleWithinMs = 25 * 60_000

export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const { seed, seconds, backend, signal, log } = options
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
  const foreground: string[] = []
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
      onDeath: (number, why) => violate('a worker lives', `worker ${number} ended by itself: ${why}`),
    }),
  )
  const random = createRandom(seed)
  const kinds = faultKinds(backend, world.timeLibrary !== undefined)
  if (!world.timeLibrary) log('libfaketime is not installed: no wrong clocks')
  const plan = planFaults(random, kinds, { seconds, workers: options.workers, accounts: world.accountNames })
  const scene: Scene = {
    world,
    workers,
    violate,
    bound,
    async request(account, job, payload) {
      await world.onStore('select worker.request($1, $2, $3)', [job, account, payload])
    },
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

    log(
      `everything is mended (the machine is ${pace.slowness().toFixed(1)} times slower than a quiet one); waiting for ${accepted.length} accepted requests`,
    )
    const mendedAt = performance.now()
    const wait = (isDone: () => Promise<boolean>): Promise<boolean> => until(isDone, bound(settleWithinMs), signal)
    const hasEnded = await wait(() => allEnded(world, accepted))
    const settledMs = performance.now() - mendedAt
    if (!hasEnded) violate('accepted requests end', 'some had not ended in time: which, follows')
    if (!(await wait(async () => (await world.onStore('select from worker.holds')).length === 0))) {
      violate('holds lift', 'some were still there: which, follows')
    }
    if (!(await wait(() => isMirrorEqual(world)))) violate('mirror', 'it did not become equal to the API')
    await testFairness(world, { violate, wait })
    if (!(await wait(() => hasFollowed(world)))) violate('change feed', 'the follower did not come to its end')
    await probing[Symbol.asyncDispose]()
    await Promise.all(workers.all.map(worker => terminate(scene, worker)))
    await judge({ world, accepted, orders, foreground, violate })
    await countStoreGuards(world, guards)
    const [row] = await world.onStore<{ commits: number }>('select count(*)::int as commits from chaos.commits')
    return { faults, guards, violations, measured, accepted: accepted.length, commits: row?.commits ?? 0, settledMs }
  } finally {
    await Promise.allSettled([calling, commanding, writing, probing].map(part => part[Symbol.asyncDispose]()))
  }
}

/** Each fault begins at its time, and after the one before it on the same target is mended. Resolves once all are. */
async function breakThings(
  plan: readonly Fault[],
  kinds: readonly FaultKind[],
  scene: Scene,
  { faults, log, signal }: { faults: Counts; log: ChaosOptions['log']; signal: AbortSignal },
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
      // What it needs is broken by another one.
      log(`${told} could not be: ${error}`)
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

/** Another fault may be in the way, which is mended in its turn. */
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

async function until(isDone: () => Promise<boolean>, withinMs: number, signal: AbortSignal): Promise<boolean> {
  const deadline = performance.now() + withinMs
  while (!(await isDone())) {
    if (performance.now() > deadline) return false
    await delay(500, undefined, { signal })
  }
  return true
}

async function allEnded({ onStore }: World, accepted: readonly Accepted[]): Promise<boolean> {
  const rows = await onStore(
    `select from jsonb_to_recordset($1::jsonb) as a(id text) join worker.requests r on r.id = worker.successor(a.id)
     where r.state in ('waiting', 'running') limit 1`,
    [...acceptedValues(accepted)],
  )
  return rows.length === 0
}

/** What may be compared of a row: all that a viewer sees, in a spelling that both databases share. */
const digest = `md5(coalesce(string_agg(id::text || title || status || revision::text || extract(epoch from updated_at)::text, ',' order by id), ''))`

async function isMirrorEqual({ onStore, apiPool, accountNames }: World): Promise<boolean> {
  const { rows } = await apiPool.query<{ digest: string }>(
    `select ${digest} as digest from public.articles where status = 'published'`,
  )
  const mirrored = await onStore<{ digest: string }>(
    `select _account, ${digest} as digest from mirror.articles where _deleted_at is null group by _account`,
  )
  return mirrored.length === accountNames.length && mirrored.every(row => row.digest === rows[0]?.digest)
}

async function hasFollowed({ onStore }: World): Promise<boolean> {
  const rows = await onStore(
    `select from worker.change_readers r join worker.change_counters c on c.mirror = r.mirror
     where r.reader = 'chaos' and r.position >= c.last`,
  )
  return rows.length > 0
}

/** A process that a job blocks answers nobody, as it was told. */
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
