import type { AccountAccess } from '../gate/account-access.ts'
import type { LineName } from '../runs/line.ts'
import { requestRun } from '../runs/requests.ts'
import type { RunDeps } from '../runs/run-deps.ts'
import { settlesWithin } from '../time/clock.ts'
import { repeat } from '../time/repeat.ts'
import { keepConnection } from './keep-connection.ts'
import { releaseAccounts, takeAccounts } from './live-lease.ts'
import { createLiveLine, type LiveLine } from './live-line.ts'
import { type LiveJob, listLiveJobs } from './live-lines.ts'
import { createLiveReports } from './live-reports.ts'
import { type Ringer, startRinger } from './ringer.ts'

/** Milliseconds between two confirmations that this process still has its accounts. */
const confirmEveryMs = 2_000
/** When the store hasn't answered for so long, another process may have taken them. */
const silentMs = 6_000
/** How long each step of stopping may take, in milliseconds. */
const stopWithinMs = 500

/** The connections of one account, which end when it is aborted. */
interface Keeping {
  readonly access: AccountAccess
  /** The names of its live jobs. */
  readonly jobs: string
  readonly stop: AbortController
  readonly ended: Promise<unknown>
}

/**
 * Keeps the subscriptions of live jobs until it is disposed, each account's in one process. A failure places no hold: the jobs still
 * run on schedule, and `worker.live` says what failed.
 */
export function serveLive(deps: RunDeps): AsyncDisposable {
  const { store, clock, log, process } = deps
  const keepings = new Map<string, Keeping>()
  const ringer = startRinger({
    clock,
    log,
    request: ({ account, job }, payload) =>
      requestRun(deps, { account, job, payload, trigger: 'live', caller: 'live', waitsForKey: false }),
  })
  let confirmedAt = clock.elapsed()

  /** The accounts with live jobs. */
  function listLive(): ReadonlyMap<string, ReadonlyMap<string, readonly LiveJob[]>> {
    const all = [...deps.accounts].map(([name, access]) => [name, listLiveJobs(access, deps.jobs.values())] as const)
    return new Map(all.filter(([, roles]) => roles.size > 0))
  }

  async function confirm(): Promise<void> {
    const live = listLive()
    if (live.size === 0) return stopAll()
    const askedAt = clock.elapsed()
    const kept = await takeAccounts(store, process.id, [...live.keys()])
    confirmedAt = askedAt
    const mine = new Set(kept.filter(({ isHeld }) => !isHeld).map(({ account }) => account))
    for (const [account, keeping] of keepings) {
      const jobs = namesOf(live.get(account))
      const isSame = keeping.access === deps.accounts.get(account) && keeping.jobs === jobs
      if (mine.has(account) && isSame) continue
      keepings.delete(account)
      keeping.stop.abort()
    }
    for (const account of mine) {
      const access = deps.accounts.get(account)
      const roles = live.get(account)
      if (access && roles && !keepings.has(account)) keepings.set(account, keep(deps, ringer, access, roles))
    }
  }

  function stopAll(): void {
    for (const { stop } of keepings.values()) stop.abort()
    keepings.clear()
  }

  const confirmations = repeat(
    clock,
    async ({ signal }) => {
      try {
        await confirm()
      } catch (error) {
        if (!signal.aborted) log.debug({ error }, 'whose the subscriptions are could not be confirmed')
        if (clock.elapsed() - confirmedAt >= silentMs) stopAll()
      }
      return confirmEveryMs
    },
    { stopWithinMs },
  )
  return {
    async [Symbol.asyncDispose]() {
      await confirmations[Symbol.asyncDispose]()
      const ending = [...keepings.values()].map(({ ended }) => ended)
      stopAll()
      await settlesWithin(clock, stopWithinMs, Promise.all([...ending, ringer[Symbol.asyncDispose]()]))
      await settlesWithin(clock, stopWithinMs, releaseAccounts(store, process.id))
    },
  }
}

function namesOf(roles: ReadonlyMap<string, readonly LiveJob[]> | undefined): string {
  return [...(roles ?? [])].flatMap(([role, jobs]) => jobs.map(({ job }) => `${role} ${job}`)).join('\n')
}

/** Opens a connection for each role of the account's live jobs. */
function keep(
  deps: RunDeps,
  ringer: Ringer,
  access: AccountAccess,
  roles: ReadonlyMap<string, readonly LiveJob[]>,
): Keeping {
  const { account } = access
  const { clock, log } = deps
  const stop = new AbortController()
  const url = account.hasura?.url ?? ''
  const all = [...roles.values()].flat()
  const names = all.map(({ job }) => job)
  const report = createLiveReports(deps, account.name, names, stop.signal)
  const ended = [...roles].map(async ([role, jobs]) => {
    const lines = (await Promise.all(jobs.map(job => openLine(deps, ringer, account, job, report)))).flat()
    if (lines.length === 0) return
    await keepConnection({ client: access.subscriptions(url, role), clock }, lines, stop.signal)
  })
  const settled = Promise.all(ended).catch(error => log.warn({ error, account: account.name }, 'subscriptions ended'))
  return { access, jobs: namesOf(roles), stop, ended: settled }
}

async function openLine(
  { clock, schemaFolder }: RunDeps,
  ringer: Ringer,
  account: AccountAccess['account'],
  { job, doorbell }: LiveJob,
  report: ReturnType<typeof createLiveReports>,
): Promise<readonly LiveLine[]> {
  const name: LineName = { account: account.name, job }
  try {
    const listener = await doorbell.listen(schemaFolder, account)
    const ring: Parameters<typeof createLiveLine>[0]['ring'] = rings => ringer.ring(name, rings, doorbell.intervalMs)
    return [createLiveLine({ job, listener, clock, ring, report: state => report(job, state) })]
  } catch {
    // Its runs are held (`contract`) or fail (`where`), which says what is wrong.
    return []
  }
}
