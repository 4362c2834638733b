import { randomUUID } from 'node:crypto'

export interface EventOptions {
  readonly id?: string
  readonly table?: { readonly schema: string; readonly name: string }
  readonly op?: string
  readonly old?: object | null
  readonly new?: object | null
  readonly trigger?: string
}

/** As Hasura 2 sends it, with everything that it says beside what is used. */
export function hasuraEvent({
  table = { schema: 'public', name: 'articles' },
  op = 'INSERT',
  ...given
}: EventOptions = {}) {
  return {
    created_at: '2026-11-26T10:00:00.123456',
    delivery_info: { current_retry: 0, max_retries: 5 },
    event: {
      data: { new: given.new ?? null, old: given.old ?? null },
      op,
      session_variables: { 'x-hasura-role': 'editor', 'x-hasura-user-id': '7' },
      trace_context: { sampling_state: '1', span_id: 'b1c2d3e4f5a60718', trace_id: '4bf92f3577b34da6a3ce929d0e0e4736' },
    },
    id: given.id ?? randomUUID(),
    table,
    trigger: { name: given.trigger ?? 'articles_changed' },
  }
}

export interface CronOptions {
  readonly id?: string
  readonly name?: string | null
  readonly payload?: unknown
}

export function cronEvent({ id = randomUUID(), name = 'nightly', payload = null }: CronOptions = {}) {
  return {
    comment: 'as in the metadata',
    created_at: '2026-11-26T09:00:00.5Z',
    id,
    name,
    payload,
    scheduled_time: '2026-11-26T10:00:00Z',
  }
}
