// node bench/contestants/accept-loop.ts '{"databaseUrl": …, "concurrency": …, "rows": …}'
// Accepts different requests, each caller for its own line, as a caller of HTTP or the command line does.
import { z } from 'zod'
import { createLog } from '../../src/log.ts'
import { acceptRequest } from '../../src/runs/requests.ts'
import { openDatabase } from '../../src/store/open-database.ts'
import { warmUp } from '../rounds.ts'
import { report } from './report.ts'

const { databaseUrl, concurrency, rows } = z
  .strictObject({ databaseUrl: z.string(), concurrency: z.int(), rows: z.int() })
  .parse(JSON.parse(process.argv[2] ?? ''))

await using database = await openDatabase({ databaseUrl }, createLog('warn'))
let last = 0

async function acceptUntil(account: string, end: number): Promise<void> {
  while (last < end) {
    last += 1
    const request = { account, job: 'no-op', payload: { n: last }, trigger: 'http', caller: 'bench' } as const
    await acceptRequest(database.store, request)
  }
}

async function acceptAll(end: number): Promise<void> {
  await Promise.all(Array.from({ length: concurrency }, (_, line) => acceptUntil(`account-${line}`, end)))
}

await acceptAll(warmUp)
const startedAt = performance.now()
const before = last
await acceptAll(before + rows)
report({ seconds: (performance.now() - startedAt) / 1000, rows: last - before })
