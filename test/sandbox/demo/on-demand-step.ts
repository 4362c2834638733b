import { DemoError } from './demo-error.ts'
import { callerClient } from './open-sandbox.ts'
import type { Stage } from './run-demo.ts'

export async function onDemand({ sandbox, caller, narrator, signal }: Stage): Promise<void> {
  narrator.heading('3  Rows change in the API, and another service requests a run over HTTP')
  await sandbox.hasura.sql(
    "update public.articles set title = title || ' (revised)' where title in ('Article 001', 'Article 015')",
  )
  await sandbox.hasura.sql(`
    insert into public.articles (topic_id, title, status, revision)
    values ('b0000000-0000-4000-8000-000000000001', 'Brand new', 'published', 9007199254740993)`)
  narrator.say('api', 'two articles are revised, one is written')
  const id = await caller.request('sync-articles', signal)
  narrator.say('client', `${callerClient.clientId}: POST /jobs/sync-articles/requests -> 202 ${id}`)
  const report = await caller.lookUntil(id, ({ state }) => state === 'done', signal)
  const counts = report.runs[0]?.counts
  narrator.say('client', `${callerClient.clientId}: GET /requests/${id} -> ${report.state} ${JSON.stringify(counts)}`)
  if (counts?.inserted !== 1 || counts.updated !== 2) {
    throw new DemoError(`One row was new and two had changed, but the run counted ${JSON.stringify(counts)}.`)
  }
}
