import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { z } from 'zod'
import { every } from './every.ts'
import type { Counts } from './guards.ts'
import { acceptedSchema } from './http-client.ts'
import { endedWebhook, rollingJob } from './jobs/names.ts'
import type { Random } from './random.ts'
import type { Accepted, ForegroundRun, Order } from './record.ts'
import type { Worker } from './worker-process.ts'
import type { Workers } from './workers.ts'
import type { World } from './world.ts'

export interface CallerDeps {
  readonly world: World
  readonly workers: Workers
  readonly random: Random
  readonly guards: Counts
  readonly accepted: Accepted[]
  readonly orders: Order[]
  readonly foreground: ForegroundRun[]
  violate(promise: string, found: string): void
  bound(ms: number): number
}

interface Wish {
  readonly account: string
  readonly job: string
  readonly payload: object
  readonly key: string | undefined
}

/** Makes requests until it is disposed: over HTTP with and without keys, and by SQL in separate transactions. */
export function startCallers(deps: CallerDeps): AsyncDisposable {
  const { random } = deps
  const repeat = (
    minMs: number,
    maxMs: number,
    ask: (deps: CallerDeps, signal: AbortSignal) => Promise<void>,
  ): AsyncDisposable =>
    every(
      () => random.between(minMs, maxMs),
      signal => ask(deps, signal),
    )
  const callers = [
    ...(deps.world.store.server ? [repeat(100, 900, callBySql), repeat(100, 900, callBySql)] : []),
    repeat(50, 400, callOverHttp),
    repeat(50, 600, callOverHttp),
    repeat(500, 4_000, quarrelOverKey),
    repeat(4_000, 15_000, burst),
    repeat(20_000, 60_000, resumeEnded),
  ]
  return {
    async [Symbol.asyncDispose]() {
      await Promise.all(callers.map(caller => caller[Symbol.asyncDispose]()))
    },
  }
}

function makeWish({ random, world }: CallerDeps): Wish {
  // Some are equal, so that they absorb each other.
  const isEqual = random.next() < 0.4
  return {
    account: random.pick(world.accountNames),
    job: random.pick(['ledger', 'other', rollingJob, rollingJob]),
    payload: isEqual
      ? { entry: `equal-${random.between(1, 3)}`, pauseMs: 20, restMs: 0 }
      : { entry: crypto.randomUUID(), pauseMs: pauseOf(random), restMs: pauseOf(random) },
    key: random.next() < 0.5 ? crypto.randomUUID() : undefined,
  }
}

/** Some runs are long, so that faults happen during them. */
function pauseOf(random: Random): number {
  return random.next() < 0.2 ? random.between(300, 3_000) : random.between(0, 40)
}

/** Repeats a request with a key until it is answered; makes one without a key only once. */
async function callOverHttp(deps: CallerDeps, signal: AbortSignal): Promise<void> {
  const wish = makeWish(deps)
  await askUntilAnswered(deps, wish, signal)
}

async function askUntilAnswered(deps: CallerDeps, wish: Wish, signal: AbortSignal): Promise<Answer> {
  const { accepted, guards, random } = deps
  const askedAt = Date.now()
  let times = 0
  for (;;) {
    times += 1
    const answer = await post(deps, wish)
    if (answer.kind === 'accepted') {
      accepted.push({ ...wish, id: answer.id, door: 'http', askedAt, toldAt: Date.now() })
      if (times > 1 && wish.key !== undefined) guards.add('key repeated')
      else if (answer.absorbed) guards.add('duplicate absorbed')
      return answer
    }
    if (answer.kind === 'conflict' || wish.key === undefined || signal.aborted) return answer
    await delay(random.between(100, 1_000))
  }
}

/** Two callers use one key for two payloads at once: one is accepted, the other gets a conflict. */
async function quarrelOverKey(deps: CallerDeps, signal: AbortSignal): Promise<void> {
  const key = crypto.randomUUID()
  const wish = makeWish(deps)
  const wishes = [
    { ...wish, key, payload: { entry: `${key}-a`, pauseMs: 0, restMs: 0 } },
    { ...wish, key, payload: { entry: `${key}-b`, pauseMs: 0, restMs: 0 } },
  ]
  const answers = await Promise.all(wishes.map(each => askUntilAnswered(deps, each, signal)))
  const kinds = answers.map(({ kind }) => kind)
  if (kinds.filter(kind => kind === 'conflict').length === 1) deps.guards.add('key conflict')
  // Whether both were accepted is judged at the end: by then the first may be lost with its store.
  if (kinds.every(kind => kind === 'conflict')) {
    deps.violate('one key, one request', `both callers of key ${key} got a conflict`)
  }
}

/** More requests of one account at once than it has slots. */
async function burst(deps: CallerDeps, signal: AbortSignal): Promise<void> {
  const wishes = Array.from({ length: deps.random.between(5, 15) }, () => ({
    ...makeWish(deps),
    account: 'busy',
    payload: { entry: crypto.randomUUID(), pauseMs: 0, restMs: 0 },
    key: undefined,
  }))
  await Promise.all(wishes.map(wish => askUntilAnswered(deps, wish, signal)))
}

/** Its receiver answers 410 again. The request isn't recorded as accepted: it is meant to fail. */
async function resumeEnded(deps: CallerDeps): Promise<void> {
  const account = deps.random.pick(deps.world.accountNames)
  await post(deps, { account, job: endedWebhook, payload: { resume: true }, key: undefined })
}

type Answer =
  | { readonly kind: 'accepted'; readonly id: string; readonly absorbed: boolean }
  | { readonly kind: 'conflict' }
  | { readonly kind: 'nothing' }

/** Milliseconds without an answer after which a caller reports a hang. */
const answerWithinMs = 15_000

async function post(deps: CallerDeps, { account, job, payload, key }: Wish): Promise<Answer> {
  const { random, workers, world } = deps
  const answering = workers.everybody().filter(worker => worker.answeringSince !== undefined)
  if (answering.length === 0) return { kind: 'nothing' }
  const worker = random.pick(answering)
  const since = worker.answeringSince
  const token = await world.callerToken()
  // Some callers give up before the answer arrives.
  const isImpatient = key !== undefined && random.next() < 0.15
  const patienceMs = isImpatient ? random.between(1, 30) : deps.bound(answerWithinMs)
  try {
    const response = await fetch(`${worker.url}/jobs/${job}/requests`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        ...(key !== undefined && { 'idempotency-key': key }),
      },
      body: JSON.stringify({ account, payload }),
      signal: AbortSignal.timeout(patienceMs),
    })
    const body: unknown = await response.json()
    if (response.status === 202) return { kind: 'accepted', ...acceptedSchema.parse(body) }
    if (response.status === 422) return { kind: 'conflict' }
    deps.guards.add(`HTTP ${response.status}`)
    if (response.status === 500) deps.violate('HTTP names the problem', `500: ${JSON.stringify(body)}`)
  } catch (error) {
    if (isHanging(error) && !isImpatient && couldAnswer(worker, since)) {
      deps.violate('HTTP names the problem', `worker ${worker.number} gave no answer in ${Math.round(patienceMs)} ms`)
    }
  }
  return { kind: 'nothing' }
}

function isHanging(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'TimeoutError'
}

/** The process was not stopped or restarted since then. */
function couldAnswer(worker: Worker, since: number | undefined): boolean {
  return since !== undefined && worker.answeringSince === since
}

/** Makes a request and inserts a row in one transaction, which stays open for a while and is sometimes rolled back. */
async function callBySql(deps: CallerDeps): Promise<void> {
  const { random, workers, accepted, orders } = deps
  const wish = makeWish(deps)
  const client = new pg.Client({
    connectionString: random.pick(workers.all).variables().DATABASE_URL,
    connectionTimeoutMillis: 3_000,
    query_timeout: 8_000,
    // A caller that is cut off leaves its transaction open on the server, and with it the lock of the request that absorbed its own.
    idle_in_transaction_session_timeout: 10_000,
  })
  client.on('error', () => {})
  const askedAt = Date.now()
  const order = crypto.randomUUID()
  let requestId: string | undefined
  let isCommitting = false
  try {
    await client.connect()
    await client.query('begin')
    const { rows } = await client.query<{ id: string }>('select worker.request($1, $2, $3) as id', [
      wish.job,
      wish.account,
      wish.payload,
    ])
    requestId = z.object({ id: z.string() }).parse(rows[0]).id
    await client.query('insert into chaos.orders (id, request_id) values ($1, $2)', [order, requestId])
    if (random.next() < 0.3) await delay(random.between(0, 1_500))
    if (random.next() < 0.1) {
      await client.query('rollback')
      return
    }
    isCommitting = true
    await client.query('commit')
    const toldAt = Date.now()
    orders.push({ id: order, requestId, isKnown: true, askedAt, toldAt })
    accepted.push({ ...wish, key: undefined, id: requestId, door: 'sql', askedAt, toldAt })
  } catch {
    // Only the store knows whether it was committed.
    if (isCommitting && requestId !== undefined)
      orders.push({ id: order, requestId, isKnown: false, askedAt, toldAt: Date.now() })
  } finally {
    await Promise.race([client.end().catch(() => {}), delay(500)])
  }
}
