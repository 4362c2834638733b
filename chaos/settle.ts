import { setTimeout as delay } from 'node:timers/promises'
import { type FairnessTest, makeBurst } from './fairness.ts'
import type { Scene } from './faults/fault-kind.ts'
import { terminate } from './faults/worker-faults.ts'
import { deliveringWebhook, endedWebhook } from './jobs/names.ts'
import { acceptedValues } from './judge/judge.ts'
import { allowHeldDeletions } from './operator.ts'
import type { Accepted } from './record.ts'
import type { World } from './world.ts'

/** After the last fault: 15 minutes for a retry and 5 for a hold; each may start again once. */
const settleWithinMs = 25 * 60_000

export interface Settled {
  /** Milliseconds until every accepted request had ended. */
  readonly ms: number
  readonly fairness: FairnessTest
}

/**
 * Waits for what must happen without help once everything is repaired. Only deletions that a guard holds need an operator.
 * Terminates all workers at the end.
 */
export async function settle(scene: Scene, accepted: readonly Accepted[], signal: AbortSignal): Promise<Settled> {
  const { world, workers, client, violate, bound } = scene
  const wait = (isDone: () => Promise<boolean>): Promise<boolean> => until(isDone, bound(settleWithinMs), signal)
  const begun = performance.now()
  const left = new Set(accepted.map(({ id }) => id))
  if (!(await wait(() => (world.store.server ? allEnded(world, accepted) : allEndedOverHttp(left, client))))) {
    violate('accepted requests end', 'some had not ended in time; they are listed below')
  }
  const ms = performance.now() - begun
  const fairness = await makeBurst(client)
  if (!(await wait(() => client.hasEnded(fairness.id)))) {
    violate('fairness', "a request made after another account's burst did not end in time")
  }
  // The writers may have deleted more rows than the guard allows: that hold waits for a person.
  if (!(await wait(() => allowHeldDeletions(scene, signal)))) {
    violate('holds lift', 'the remedy of a deletion-guard hold did not lift it')
  }
  const expectations = {
    'holds lift': async () => (await world.onStore('select from worker.holds')).length === 0,
    mirror: () => isMirrorEqual(world),
    'change feed': () => hasFollowed(world),
    webhooks: async () => (await hasSent(world)) && (await hasEnded(world)),
  }
  const stop = () => Promise.all(workers.all.map(worker => terminate(scene, worker)))
  for (const [promise, isTrue] of Object.entries(expectations)) {
    if (!(await wait(world.store.server ? isTrue : () => lookBetween(scene, stop, isTrue)))) {
      violate(promise, 'it was not fulfilled in time')
    }
  }
  await stop()
  return { ms, fairness }
}

/** An embedded database can be inspected only while its worker is stopped. Afterwards the worker gets time to continue. */
async function lookBetween(
  scene: Scene,
  stop: () => Promise<unknown>,
  isTrue: () => Promise<boolean>,
): Promise<boolean> {
  const { world, workers, bound } = scene
  await stop()
  {
    await using _lent = await world.store.lend()
    if (await isTrue()) return true
  }
  for (const worker of workers.all) await worker.start()
  await delay(bound(5_000))
  return false
}

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
    acceptedValues(accepted),
  )
  return rows.length === 0
}

async function allEndedOverHttp(left: Set<string>, client: Scene['client']): Promise<boolean> {
  for (const id of left) {
    if (!(await client.hasEnded(id))) return false
    left.delete(id)
  }
  return true
}

/** The comparable part of a row: what a viewer sees, spelled the same in both databases. */
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

async function hasSent({ onStore }: World): Promise<boolean> {
  const rows = await onStore(
    `select from mirror.articles m left join worker.change_readers r
       on r.reader = 'webhook:${deliveringWebhook}' and r.mirror = 'articles' and r.account = m._account
     where coalesce(r.position, 0) < m._change limit 1`,
  )
  return rows.length === 0
}

/** The first message ends a subscription that was resumed. */
async function hasEnded({ onStore }: World): Promise<boolean> {
  const rows = await onStore("select from worker.webhooks where webhook = $1 and state = 'live'", [endedWebhook])
  return rows.length === 0
}
