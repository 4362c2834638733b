import type pg from 'pg'
import { every } from '../every.ts'
import { lookbackSeconds } from '../jobs/names.ts'
import type { Workers } from '../workers.ts'
import type { World } from '../world.ts'

export interface ProbeDeps {
  readonly world: World
  readonly workers: Workers
  violate(promise: string, found: string): void
  bound(ms: number): number
  /** A job blocks the process's event loop on purpose. */
  isBlocked(pid: number | undefined): boolean
  readonly measured: Measured
}

/** The maxima, and how many checkpoints were compared. */
export interface Measured {
  readyMs: number
  memoryMegabytes: number
  warningsPerSecond: number
  checkpoints: number
}

/** Repeats checks from outside during the faults, until it is disposed. */
export function startProbes(deps: ProbeDeps): AsyncDisposable {
  const probes = [
    every(
      () => 500,
      () => probeReady(deps),
    ),
    every(
      () => 3_000 + Math.random() * 3_000,
      () => probeCheckpoint(deps),
    ),
    every(() => 10_000, createSizeProbe(deps)),
  ]
  return {
    async [Symbol.asyncDispose]() {
      await Promise.all(probes.map(probe => probe[Symbol.asyncDispose]()))
    },
  }
}

/** Milliseconds after which a readiness check gives up. */
const readyWithinMs = 5_000

async function probeReady({ workers, violate, bound, isBlocked, measured }: ProbeDeps): Promise<void> {
  await Promise.all(
    workers.everybody().map(async worker => {
      const { answeringSince, pid } = worker
      if (answeringSince === undefined) return
      const begun = performance.now()
      const limit = bound(readyWithinMs)
      const answered = await fetch(`${worker.url}/health/ready`, { signal: AbortSignal.timeout(limit) }).then(
        response => response.arrayBuffer().then(() => true),
        error => !(error instanceof DOMException && error.name === 'TimeoutError'),
      )
      if (worker.answeringSince !== answeringSince || isBlocked(pid)) return
      measured.readyMs = Math.max(measured.readyMs, performance.now() - begun)
      if (!answered) violate('ready answers', `worker ${worker.number} gave no answer in ${Math.round(limit)} ms`)
    }),
  )
}

interface ApiRow extends pg.QueryResultRow {
  readonly id: string
  readonly updated_at: string
}

/** No row of the API that is older than the checkpoint, less the lookback, may be missing in the mirror. */
async function probeCheckpoint({ world, violate, measured }: ProbeDeps): Promise<void> {
  const { rows } = await world.apiPool.query<ApiRow>(
    `select id, extract(epoch from updated_at)::text as updated_at from public.articles where status = 'published'`,
  )
  let found: { account: string; scanned_at: string; missing: string[] }[]
  try {
    found = await world.onStore(
      `select c.account, c.scanned_at, array(
         select a.id::text from jsonb_to_recordset($1::jsonb) as a(id uuid, updated_at numeric)
         left join mirror.articles m on m._account = c.account and m.id = a.id
         where a.updated_at < extract(epoch from c.scanned_at::timestamptz) - $2::int
           and (m.id is null or (m._deleted_at is null and extract(epoch from m.updated_at) < a.updated_at))
         limit 3) as missing
       from worker.checkpoints c where c.job = 'pull-articles' and c.scanned_at is not null`,
      [JSON.stringify(rows), lookbackSeconds],
    )
  } catch {
    // The store is down, or has no mirror yet.
    return
  }
  measured.checkpoints += found.length
  for (const { account, scanned_at: scannedAt, missing } of found) {
    if (missing.length === 0) continue
    violate(
      'checkpoint and rows',
      `${account}'s checkpoint is at ${scannedAt}, and the mirror lacks ${missing.join(', ')}`,
    )
  }
}

/** For one process, whatever is down. An embedded database starts with most of its memory. */
const mostMegabytes = { redis: 512, postgres: 512, embedded: 1_280 } as const
const mostWarningsPerSecond = 15

function createSizeProbe({ world, workers, violate, measured }: ProbeDeps): () => Promise<void> {
  const before = new Map<number, { readonly warnings: number; readonly at: number }>()
  return async () => {
    for (const worker of workers.everybody()) {
      const memory = worker.memory() ?? 0
      measured.memoryMegabytes = Math.max(measured.memoryMegabytes, memory)
      if (memory > mostMegabytes[world.backend])
        violate('bounded', `worker ${worker.number} holds ${Math.round(memory)} MB`)
      const { warnings } = worker.lines
      const last = before.get(worker.number)
      before.set(worker.number, { warnings, at: performance.now() })
      if (!last) continue
      const perSecond = ((warnings - last.warnings) * 1_000) / (performance.now() - last.at)
      measured.warningsPerSecond = Math.max(measured.warningsPerSecond, perSecond)
      if (perSecond > mostWarningsPerSecond) {
        violate('bounded', `worker ${worker.number} logs ${Math.round(perSecond)} warnings a second`)
      }
    }
  }
}
