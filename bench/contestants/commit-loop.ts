// node bench/contestants/commit-loop.ts '{"databaseUrl": …, "concurrency": …, "rows": …, "commits": 2}'
// The least that the store can cost: a number of small commits per row, one connection per caller, and nothing else.
import pg from 'pg'
import { z } from 'zod'
import { warmUp } from '../rounds.ts'
import { report } from './report.ts'

const { databaseUrl, concurrency, rows, commits } = z
  .strictObject({ databaseUrl: z.string(), concurrency: z.int(), rows: z.int(), commits: z.int() })
  .parse(JSON.parse(process.argv[2] ?? ''))

const clients = await Promise.all(
  Array.from({ length: concurrency }, async () => {
    const client = new pg.Client({ connectionString: databaseUrl })
    await client.connect()
    return client
  }),
)
await clients[0]?.query('create table bare (id bigint primary key, state text not null)')
let last = 0

async function commitUntil(client: pg.Client, end: number): Promise<void> {
  while (last < end) {
    last += 1
    const values = [last, 'waiting']
    await client.query({ name: 'insert', text: 'insert into bare values ($1, $2)', values })
    for (let commit = 1; commit < commits; commit += 1) {
      await client.query({ name: 'update', text: 'update bare set state = $2 where id = $1', values })
    }
  }
}

await Promise.all(clients.map(client => commitUntil(client, warmUp)))
const startedAt = performance.now()
const before = last
await Promise.all(clients.map(client => commitUntil(client, before + rows)))
report({ seconds: (performance.now() - startedAt) / 1000, rows: last - before })
await Promise.all(clients.map(client => client.end()))
