import type { Counts } from '../guards.ts'
import { deliveringWebhook, endedWebhook } from '../jobs/names.ts'
import type { Delivered } from '../receiver.ts'
import { isLost, type Loss } from '../store.ts'
import type { World } from '../world.ts'

const promise = 'webhooks'
const shownAtMost = 5

/**
 * Judges what a receiver got, once everything was to have been sent: the latest change of each row was accepted, every message was
 * signed and no id had two bodies, changes of a row came in order, and a receiver that answered 410 is left alone.
 */
export async function judgeWebhooks(
  { onStore, receiver, store }: Pick<World, 'onStore' | 'receiver' | 'store'>,
  guards: Counts,
  violate: (promise: string, found: string) => void,
): Promise<void> {
  const { delivered, wrong, repeats, refused, gone } = receiver
  const violateSome = (found: readonly string[]): void => {
    for (const sentence of found.slice(0, shownAtMost)) violate(promise, sentence)
    if (found.length > shownAtMost) violate(promise, `… and ${found.length - shownAtMost} more`)
  }
  violateSome(wrong)

  const accepted = new Set(delivered.flatMap(change => (change.isAccepted ? [nameOf(change)] : [])))
  const rows = await onStore<{ account: string; id: string; position: string }>(
    'select _account as account, id::text as id, _change::text as position from mirror.articles',
  )
  const missing = rows.filter(row => !accepted.has(nameOf(row)))
  violateSome(missing.map(({ account, id, position }) => `change ${position} of ${account}'s ${id} was never accepted`))

  const late = findLate(delivered, store.server?.losses ?? [])
  const [superseded] = await onStore<{ times: number }>(
    "select count(*)::int as times from worker.runs where job = $1 and state = 'interrupted'",
    [deliveringWebhook],
  )
  // A run that was superseded may still send the message that it has in hand.
  if (late.length > 0 && superseded?.times === 0) {
    violateSome(
      late.map(({ account, id, position }) => `change ${position} of ${account}'s ${id} came after a later one`),
    )
  }

  const live = await onStore<{ account: string }>(
    "select account from worker.webhooks where webhook = $1 and state <> 'ended' and account = any($2)",
    [endedWebhook, [...gone.keys()]],
  )
  violateSome(live.map(({ account }) => `${account}'s receiver answered 410 and its subscription has not ended`))

  guards.add('webhook message refused', refused)
  guards.add('webhook message sent again', repeats)
  guards.add('webhook change late', late.length)
  guards.add(
    'webhook ended',
    Iterator.from(gone.values()).reduce((sum, times) => sum + times, 0),
  )
}

function nameOf({ account, id, position }: Pick<Delivered, 'account' | 'id'> & { position: bigint | string }): string {
  return `${account} ${id} ${position}`
}

/**
 * Changes that came for the first time after a later one of the same row. A store that went back gives the same numbers again, so
 * what came before counts no more.
 */
function findLate(delivered: readonly Delivered[], losses: readonly Loss[]): readonly Delivered[] {
  const latest = new Map<string, bigint>()
  const seen = new Set<string>()
  return delivered.filter(change => {
    if (isLost(losses, change.at)) return false
    const epoch = losses.filter(({ to }) => to < change.at).length
    const [row, name] = [`${epoch} ${change.account} ${change.id}`, `${epoch} ${nameOf(change)}`]
    if (seen.has(name)) return false
    seen.add(name)
    const before = latest.get(row) ?? 0n
    if (change.position > before) latest.set(row, change.position)
    return change.position < before
  })
}
