import { createHash } from 'node:crypto'
import type { Change } from '../changes/changes.ts'
import type { WebhookMessage } from './sign-message.ts'

/** What the messages of one batch have in common. */
export interface BatchOrigin {
  readonly webhook: string
  readonly account: string
  readonly table: string
  /** Grows with each replay, so that its messages are new to receivers. */
  readonly epoch: string
}

/** A change as it is sent; `row` is set if rows are sent and it isn't deleted. */
export type SentChange = Pick<Change, 'position' | 'op' | 'key'> & { readonly row?: unknown }

/** Bytes of changes per message, unless a single change has more: Express accepts bodies of 100 kB by default. */
const mostBytes = 65_536

/**
 * Packs changes into messages, in order. The id is derived from the content: a batch that is sent again unchanged keeps its id,
 * and one that has changed since an attempt whose response was lost gets another, because a receiver would skip a known id.
 */
export function buildMessages(origin: BatchOrigin, changes: readonly SentChange[]): readonly WebhookMessage[] {
  return packChanges(changes.map(change => JSON.stringify(change))).map(packed => {
    const { epoch, ...told } = origin
    const head = JSON.stringify({ type: 'mirror.changes', data: told }).slice(0, -2)
    const body = `${head},"changes":[${packed.join(',')}]}}`
    const digest = createHash('sha256').update(`${epoch}.${body}`).digest('base64url')
    return { id: `msg_${digest}`, body }
  })
}

function packChanges(changes: readonly string[]): readonly (readonly string[])[] {
  const messages: string[][] = []
  let bytes = Number.POSITIVE_INFINITY
  for (const change of changes) {
    const length = Buffer.byteLength(change)
    bytes += length
    if (bytes > mostBytes) {
      messages.push([])
      bytes = length
    }
    messages.at(-1)?.push(change)
  }
  return messages
}
