import { setTimeout as sleep } from 'node:timers/promises'
import { createControlClient } from '../../../src/http/control-client.ts'
import { controlSocketPath } from '../../../src/store/data-dir-claim.ts'
import type { Stage } from './run-demo.ts'

const lookEveryMs = 50
const newcomer = 'a0000000-0000-4000-8000-000000004711'

export async function liveRow({ sandbox, worker, narrator, signal }: Stage): Promise<void> {
  narrator.heading('4  A row is written in the API, and appears in the mirror')
  narrator.remark('sync-users is live: a subscription tells that something has changed, and a run reads what it is.')
  await worker.waitFor(line => line.msg === 'the job is live' && line.job === 'sync-users', signal)
  await sandbox.hasura.sql(
    "insert into public.users (id, username, display_name, email) values ($1, 'newcomer', 'New Comer', 'newcomer@wiki.example')",
    [newcomer],
  )
  const committedAt = performance.now()
  narrator.say('api', 'user "newcomer" is written')
  const row = await untilMirrored(sandbox.dataDir, signal)
  const seconds = ((performance.now() - committedAt) / 1_000).toFixed(1)
  narrator.say('demo', `mirror.users has it ${seconds} s after the commit, and nobody asked for a run:`)
  narrator.remark(row)
}

/** @returns the row, as `rows users --json` prints it */
async function untilMirrored(dataDir: string, signal: AbortSignal): Promise<string> {
  const worker = createControlClient(controlSocketPath(dataDir))
  for (;;) {
    const { rows } = await worker.listMirrorRows({ table: 'users', limit: 100 })
    const row = rows.find(text => text.includes(newcomer))
    if (row !== undefined) return row
    await sleep(lookEveryMs, undefined, { signal })
  }
}
