import { hash } from 'node:crypto'
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

/** A message, the position of its last change, and how many it has. */
export interface ChangesMessage extends WebhookMessage {
  readonly to: string
  readonly count: number
}

/** Bytes of changes per message, unless a single change has more: Express accepts bodies of 100 kB by default. */
const mostBytes = 65_536

/**
 * Packs changes into messages, in order. The id is derived from the content: a batch that is sent again unchanged keeps its id,
 * and one that has changed since an attempt whose response was lost gets another, because a receiver would skip a known id.
 */
export function buildMessages(origin: BatchOrigin, changes: readonly SentChange[]): readonly ChangesMessage[] {
  return packChanges(changes).map(({ to, packed }) => {
    const { epoch, ...told } = origin
    const head = JSON.stringify({ type: 'mirror.changes', data: told }).slice(0, -2)
    const body = `${head},"changes":[${packed.join(',')}]}}`
    const digest = hash('sha256', `${epoch}.${body}`, 'base64url')
    return { id: `msg_${digest}`, body, to, count: packed.length }
  })
}

function packChanges(changes: readonly SentChange[]): readonly { readonly to: string; readonly packed: string[] }[] {
  const messages: { to: string; readonly packed: string[] }[] = []
  let bytes = 0
  for (const change of changes) {
    const text = JSON.stringify(change)
    const length = Buffer.byteLength(text)
    bytes += length
    const last = messages.at(-1)
    if (last && bytes <= mostBytes) {
      last.packed.push(text)
      last.to = change.position
    } else {
      messages.push({ to: change.position, packed: [text] })
      bytes = length
    }
  }
  return messages
}
