import { sql } from 'kysely'
import { jobsOf } from '../definitions/account-jobs.ts'
import { bootstrapJob } from '../definitions/bootstrap-account.ts'
import type { JobDefinition } from '../definitions/define-job.ts'
import { propertiesOf } from '../definitions/payload-properties.ts'
import { UsageError } from '../errors.ts'
import { probeNow } from '../holds/holds.ts'
import { getNamed } from '../names/find-named.ts'
import { cancelMany, retryMany } from '../operations/bulk-requests.ts'
import type { OperationDeps } from '../operations/operation.ts'
import { findRequestIds, type RequestGroup } from '../operations/request-reports.ts'
import type { RequestState } from '../states.ts'
import { isWanted } from '../store/is-wanted.ts'
import type { PageContext } from './page.ts'
import { own } from './read/reading.ts'
import { countRequests, mostCounted } from './read/requests.ts'
import type { Wanted } from './wanted.ts'

/** What an action works with. */
export interface ActionContext extends Pick<PageContext, 'operations' | 'viewer'> {
  readonly reading: OperationDeps
  readonly signal: AbortSignal
}

/** What would be changed. */
export interface Preview {
  readonly total: number
  /** In the plural. */
  readonly unit: string
  /** A few of them. */
  readonly sample: readonly string[]
  /** The newest one: what comes later isn't meant. */
  readonly upTo?: string | undefined
}

export interface Action {
  /** As a person reads it: "Retry". */
  readonly title: string
  /** What it does, for the preview. */
  readonly does: string
  /** Can't be taken back. */
  readonly isGrave?: true
  preview(context: ActionContext, wanted: Wanted): Promise<Preview>
  /** @returns how many were changed */
  carry(context: ActionContext, wanted: Wanted): Promise<number>
}

const cancellable: readonly RequestState[] = ['waiting', 'running']

/** By their names in addresses and in the audit. */
export const actions: Readonly<Record<string, Action>> = {
  run: overLines({
    title: 'Run now',
    does: 'Makes a request with high priority for each. One that waits already is only moved ahead.',
    isFor: (job, { job: named }) => named !== undefined || job.name !== bootstrapJob,
    change: (context, line) => makeRequest(context, line, {}),
  }),
  full: overLines({
    title: 'Read everything again',
    does: 'Reads every row again and compares it. Nothing is lost, but the API is asked for whole tables.',
    isFor: job => propertiesOf(job.payload).includes('full'),
    change: (context, line) => makeRequest(context, line, { full: true }),
  }),
  'dry-run': overLines({
    title: 'Dry run',
    does: 'Runs without changing anything. Its run says what would change.',
    isFor: job => job.canDryRun === true,
    async change({ operations, viewer, signal }, line) {
      // Its own page shows how it ends; nothing here waits for it.
      operations.run({ ...line, dryRun: true }, { ...callOf(viewer), signal }).catch(() => {})
    },
  }),
  'allow-deletions': overLines({
    title: 'Allow these deletions',
    does: 'Compares all keys again, and marks every row that is gone as deleted, however many there are.',
    isGrave: true,
    isFor: job => propertiesOf(job.payload).includes('allowDeletions'),
    async change(context, line) {
      await makeRequest(context, line, { allowDeletions: true })
      await probeNow(context.reading.deps.store, [line.account], line.job)
    },
  }),
  reset: overLines({
    title: 'Reset',
    does: 'Forgets how far it has come: its next run reads everything. The rows stay until then.',
    isGrave: true,
    isFor: () => true,
    change: ({ operations, viewer }, line) => operations.reset(line, callOf(viewer)),
  }),
  pause: overSchedules(
    'Pause',
    'Makes no more requests by schedule until it is resumed. What waits or runs goes on.',
    true,
  ),
  resume: overSchedules('Resume', 'Makes requests by schedule again. An interval is due at once.', false),
  probe: {
    title: 'Look again now',
    does: 'Lets the next request find out at once whether the cause is fixed. A pause that an API asked for is kept.',
    async preview(context, wanted) {
      const holds = await findHolds(context, wanted)
      return { total: holds.length, unit: 'holds', sample: holds.slice(0, 10).map(sayLine) }
    },
    async carry(context, wanted) {
      const holds = await findHolds(context, wanted)
      const accountsOf = Map.groupBy(holds, hold => hold.job)
      for (const [job, held] of accountsOf) {
        await probeNow(
          context.reading.deps.store,
          held.map(({ account }) => account),
          job || undefined,
        )
      }
      return holds.length
    },
  },
  cancel: {
    title: 'Cancel',
    does: 'Ends those that wait, for everybody who asked for them, and asks those that run to stop. Rows that were written stay.',
    isGrave: true,
    preview: (context, wanted) => previewRequests(context, wanted, statesOf(wanted, cancellable)),
    async carry(context, wanted) {
      return cancelMany(context.reading, await idsOf(context, wanted, statesOf(wanted, cancellable)), context.signal)
    },
  },
  retry: {
    title: 'Retry',
    does: 'Makes each of them again. Equal ones become one.',
    preview: (context, wanted) => previewRequests(context, wanted, retried(wanted)),
    async carry(context, wanted) {
      const { viewer, signal, reading } = context
      const ids = await idsOf(context, wanted, retried(wanted))
      return retryMany(reading, ids, { caller: viewer.caller ?? dashboard, signal })
    },
  },
}

/** Whose requests those of a viewer without a token are. */
const dashboard = 'dashboard'

function callOf({ caller }: PageContext['viewer']): { caller?: string } {
  return caller === undefined ? {} : { caller }
}

interface LineOf {
  readonly account: string
  readonly job: string
}

async function makeRequest({ operations, viewer }: ActionContext, line: LineOf, payload: object): Promise<void> {
  await operations.makeRequest(
    { ...line, payload, priority: 'high', trigger: 'http', caller: dashboard },
    callOf(viewer),
  )
}

/** An action on each (account, job) that a filter finds. */
function overLines({
  isFor,
  change,
  ...told
}: Pick<Action, 'title' | 'does' | 'isGrave'> & {
  isFor(job: JobDefinition, wanted: Wanted): boolean
  change(context: ActionContext, line: LineOf): Promise<unknown>
}): Action {
  const find = ({ reading: { deps } }: ActionContext, wanted: Wanted) =>
    findLines(deps, wanted, job => isFor(job, wanted))
  return {
    ...told,
    async preview(context, wanted) {
      const lines = find(context, wanted)
      return { total: lines.length, unit: 'jobs of accounts', sample: lines.slice(0, 10).map(sayLine) }
    },
    async carry(context, wanted) {
      const lines = find(context, wanted)
      await inBatches(lines, context.signal, line => change(context, line))
      return lines.length
    },
  }
}

/** @throws UsageError without a filter; NotFoundError for unknown names */
function findLines(
  { accounts, jobs }: OperationDeps['deps'],
  { account, job }: Wanted,
  isFor: (job: JobDefinition) => boolean,
): readonly LineOf[] {
  requireFilter({ account, job })
  const wantedJobs = job === undefined ? [...jobs.values()] : [getNamed('job', jobs, job)]
  const wantedAccounts = account === undefined ? [...accounts.values()] : [getNamed('account', accounts, account)]
  return wantedAccounts.flatMap(access =>
    jobsOf(access.account, wantedJobs)
      .filter(isFor)
      .map(({ name }) => ({ account: access.account.name, job: name })),
  )
}

function overSchedules(title: string, does: string, paused: boolean): Action {
  const find = async ({ operations, viewer }: ActionContext, { account, job }: Wanted) =>
    (await operations.listSchedules({}, callOf(viewer))).filter(
      row =>
        row.paused !== paused &&
        (account === undefined || row.account === account) &&
        (job === undefined || row.job === job),
    )
  return {
    title,
    does,
    async preview(context, wanted) {
      const found = await find(context, wanted)
      return { total: found.length, unit: 'schedules', sample: found.slice(0, 10).map(sayLine) }
    },
    async carry(context, wanted) {
      const found = await find(context, wanted)
      const { operations, viewer, signal } = context
      await inBatches(found, signal, ({ account, job }) =>
        operations.pauseSchedule({ account, job, paused }, callOf(viewer)),
      )
      return found.length
    },
  }
}

/** So many changes are under way at once that they share exchanges, and leave connections to others. */
const atOnce = 100

async function inBatches<T>(all: readonly T[], signal: AbortSignal, work: (one: T) => Promise<unknown>): Promise<void> {
  for (let at = 0; at < all.length; at += atOnce) {
    signal.throwIfAborted()
    await Promise.all(all.slice(at, at + atOnce).map(work))
  }
}

async function findHolds(
  { reading }: ActionContext,
  { account, job, code }: Wanted,
): Promise<readonly { readonly account: string; readonly job: string }[]> {
  const { rows } = await sql<{ account: string; job: string }>`
    select account, job from worker.holds
    where ${own(reading)} and (asked_until is null or asked_until <= now())
      and ${isWanted('account', account)} and ${isWanted('code', code)}
      and ${job === undefined ? sql`true` : sql`job in ('', ${job})`} order by account, job`.execute(reading.deps.store)
  return rows
}

function sayLine({ account, job }: LineOf): string {
  return `${account} · ${job === '' ? 'every job' : job}`
}

function statesOf({ state }: Wanted, allowed: readonly RequestState[]): readonly RequestState[] {
  if (state === undefined) return allowed
  if (allowed.includes(state)) return [state]
  throw new UsageError({
    found: `This isn't possible for requests that are ${state}`,
    remedy: `choose ${allowed.join(' or ')}`,
  })
}

/** All that a filter finds are those that failed, unless it says otherwise; one request is whatever it is. */
function retried(wanted: Wanted): readonly RequestState[] {
  const all: readonly RequestState[] = ['failed', 'cancelled', 'done']
  return wanted.id !== undefined ? all : statesOf(wanted, wanted.state === undefined ? ['failed'] : all)
}

async function previewRequests(
  { reading, operations, viewer }: ActionContext,
  wanted: Wanted,
  states: readonly RequestState[],
): Promise<Preview> {
  if (wanted.id !== undefined) {
    const { id, account, job, state } = await operations.getRequest({ id: wanted.id }, callOf(viewer))
    const isMeant = states.includes(state)
    return { total: isMeant ? 1 : 0, unit: 'requests', sample: [`${account} · ${job} · ${state} · ${id}`] }
  }
  requireFilter(wanted)
  const { total, newest } = await countRequests(reading, groupOf(wanted, states))
  if (total === mostCounted) throw tooMany()
  return { total, unit: 'requests', sample: [], upTo: newest ?? undefined }
}

async function idsOf(
  { reading }: ActionContext,
  wanted: Wanted,
  states: readonly RequestState[],
): Promise<readonly string[]> {
  if (wanted.id !== undefined) return [wanted.id]
  requireFilter(wanted)
  if (wanted.upTo === undefined) {
    throw new UsageError({
      found: 'The preview is missing',
      remedy: 'go back, and look at what would be changed first',
    })
  }
  return findRequestIds(reading, { ...groupOf(wanted, states), upTo: wanted.upTo, limit: mostCounted })
}

function groupOf({ account, job }: Wanted, states: readonly RequestState[]): RequestGroup {
  return { account, job, states, repeatable: true }
}

/** A filter that was lost on the way must not mean everything. */
function requireFilter({ account, job, state }: Wanted): void {
  if (account !== undefined || job !== undefined || state !== undefined) return
  throw new UsageError({ found: 'No filter says which are meant', remedy: 'give an account, a job or a state' })
}

function tooMany(): UsageError {
  return new UsageError({
    found: `The filter finds ${mostCounted} requests or more`,
    remedy: 'narrow it to an account or a job',
  })
}
