import type { JobContext } from '../definitions/define-job.ts'
import type { ChangedTable } from '../mirror/changed-table.ts'
import type { FencedTransaction } from '../store/store.ts'
import { type Change, type ChangePage, readChanges } from './changes.ts'
import { claimReader, moveReader, releaseReader } from './reader-position.ts'

export interface ChangeReader<K extends string> {
  /** Its name. The position is stored by name, table and account. */
  readonly reader: string
  readonly table: ChangedTable<K>
  /** Only the changes of this account, with a position of their own; default: all accounts. */
  readonly account?: string
  /** Maximum changes per page; default 1,000. */
  readonly limit?: number
  /** Called before each further page: if it returns false, the rest is left to a later run. */
  readonly mayGoOn?: () => boolean
}

type FollowContext = Pick<JobContext<unknown>, 'store' | 'transaction' | 'signal' | 'requestId'>

/** Writes the result of a page of changes. Inside, await nothing but the database. */
export type CommitChanges = (tx: FencedTransaction) => Promise<void>

/**
 * Passes all changes that a reader hasn't seen to `handle`, page by page, in order.
 *
 * One run at a time follows a reader, across accounts and processes. A second run leaves its changes to the first, which looks
 * once more before it ends.
 *
 * @param handle its own effects happen at least once: after a crash the last page is passed again. The function that it returns
 * runs in the transaction that moves the reader's position, so its writes happen exactly once.
 * @returns how many changes this run has handled
 * @throws TransientError (`reader-moved`) if another run has taken over the reader: nothing of the page is committed; what
 * `readChanges` throws
 * @example
 * import { defineJob, followChanges } from 'hasura-sync-worker'
 * import { z } from 'zod'
 * import { syncUsers } from './sync-users.ts'
 *
 * export const followUsers = defineJob({
 *   name: 'follow-users',
 *   payload: z.strictObject({}),
 *   async run(_session, context) {
 *     const read = await followChanges(context, { reader: 'log', table: syncUsers.mirror }, async changes => {
 *       context.log.info({ changes: changes.length }, 'users have changed')
 *     })
 *     return { counts: { read } }
 *   },
 * })
 */
export async function followChanges<K extends string>(
  context: FollowContext,
  reader: ChangeReader<K>,
  handle: (changes: readonly Change<K>[]) => Promise<void> | Promise<CommitChanges | undefined>,
): Promise<number> {
  let handled = 0
  await followInParts(context, reader, async function* ({ changes, position }) {
    const commit = await handle(changes)
    handled += changes.length
    yield { to: position, ...(commit && { commit }) }
  })
  return handled
}

/** The changes of a page up to a position, which have been handled. */
export interface HandledPart {
  readonly to: string
  readonly commit?: CommitChanges
}

/**
 * Like `followChanges`, but each part of a page moves the reader, so that what was handled before a failure isn't passed again.
 *
 * @param handle yields at least one part per page; the next page starts after the last one. After a part, the rest may be left to
 * a later run
 */
export async function followInParts<K extends string>(
  context: FollowContext,
  reader: ChangeReader<K>,
  handle: (page: ChangePage<K>) => AsyncIterable<HandledPart>,
): Promise<void> {
  const { store, transaction, signal, requestId } = context
  const { table, account, limit, mayGoOn = () => true } = reader
  const options = { ...(limit !== undefined && { limit }), ...(account !== undefined && { account }) }
  const claim = { reader: reader.reader, mirror: table.into, account: account ?? '', requestId }
  let after = await transaction(tx => claimReader(tx, claim))
  while (after !== undefined) {
    signal.throwIfAborted()
    let from: string = after
    const page = await readChanges(store, table, { after: from, ...options })
    if (page.changes.length === 0) {
      const to = page.position
      const isReleased = await transaction(tx => releaseReader(tx, claim, { from, to }))
      after = isReleased ? undefined : to
      continue
    }
    for await (const { to, commit } of handle(page)) {
      await transaction(async tx => {
        await moveReader(tx, claim, { from, to })
        await commit?.(tx)
      })
      if (!mayGoOn()) return
      from = to
    }
    after = from
  }
}
