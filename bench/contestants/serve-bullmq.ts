// node bench/contestants/serve-bullmq.ts '{"redisUrl": …, "slots": …}'
// Bare BullMQ, without a store. It reports when it is ready and when each job starts.
import { Worker } from 'bullmq'
import { z } from 'zod'
import { parseRedisUrl } from '../../src/queue/redis-url.ts'

const { redisUrl, slots } = z.object({ redisUrl: z.string(), slots: z.int() }).parse(JSON.parse(process.argv[2] ?? ''))

const worker = new Worker(
  'bare',
  async ({ data }) => {
    process.send?.({ started: data.n, at: performance.timeOrigin + performance.now() })
  },
  { connection: parseRedisUrl(redisUrl), concurrency: slots },
)
await worker.waitUntilReady()
process.once('disconnect', () => process.exit())
process.send?.({ serving: true })
