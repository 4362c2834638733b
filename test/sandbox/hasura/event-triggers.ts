import { setTimeout as delay } from 'node:timers/promises'
import { identifier, literal } from './sql-builder.ts'
import type { SandboxHasura } from './start-hasura.ts'

export interface EventTrigger {
  readonly name: string
  /** Of schema `public`. */
  readonly table: string
  readonly webhook: string
  readonly headers: Readonly<Record<string, string>>
}

interface LoggedEvent {
  readonly id: string
  /** The body without the parts that change with every attempt. */
  readonly body: string
}

/**
 * Sends the changes of a table as an event trigger of Hasura 2 does, its retries switched on: a trigger of the database writes
 * each into a log, in the transaction of the change, and what is in the log is posted until it is answered with 2xx.
 */
export async function startEventTrigger(
  hasura: Pick<SandboxHasura, 'sql'>,
  { name, table, webhook, headers }: EventTrigger,
): Promise<AsyncDisposable> {
  const log = identifier(`event_log_${name}`)
  await hasura.sql(
    `create table ${log} (seq bigint generated always as identity, id uuid default gen_random_uuid(), body json)`,
  )
  await hasura.sql(`
    create function ${identifier(`notify_${name}`)}() returns trigger language plpgsql as $$
    begin
      insert into ${log} (body) values (json_build_object(
        'created_at', now(), 'delivery_info', json_build_object('current_retry', 0, 'max_retries', 5),
        'event', json_build_object('op', tg_op, 'session_variables', null, 'trace_context', null, 'data', json_build_object(
          'old', case when tg_op <> 'INSERT' then row_to_json(old) end,
          'new', case when tg_op <> 'DELETE' then row_to_json(new) end)),
        'table', json_build_object('schema', tg_table_schema, 'name', tg_table_name),
        'trigger', json_build_object('name', ${literal(name)})));
      return null;
    end $$`)
  await hasura.sql(`create trigger ${identifier(name)} after insert or update or delete on ${identifier(table)}
    for each row execute function ${identifier(`notify_${name}`)}()`)

  let isStopping = false
  const deliver = async ({ id, body }: LoggedEvent): Promise<void> => {
    // The row's digits stay what they are: the body is a text from the database to the wire.
    const answer = await fetch(webhook, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: `{"id":${JSON.stringify(id)},${body.trimStart().slice(1)}`,
    }).catch(() => undefined)
    await answer?.body?.cancel()
    if (answer?.ok) await hasura.sql(`delete from ${log} where id = ${literal(id)}`)
  }
  const sending = (async () => {
    while (!isStopping) {
      const events = await hasura.sql(`select id::text, body::text from ${log} order by seq limit 100`)
      await Promise.all(events.map(event => deliver({ id: String(event.id), body: String(event.body) })))
      await delay(20)
    }
  })()
  return {
    async [Symbol.asyncDispose]() {
      isStopping = true
      await sending
    },
  }
}
