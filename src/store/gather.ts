import { type CompiledQuery, type RawBuilder, sql } from 'kysely'
import { TransientError } from '../errors.ts'
import { sqlStateOf } from '../failures/sql-state.ts'
import { brief } from './prepared-statements.ts'
import type { Store } from './store.ts'

/** Concurrent round trips per kind: the store works on one while this process handles the results of another. */
const exchangesAtOnce = 2
/** So few calls share one round trip: for two, the store works half as much again, and they end no sooner. */
const fewCalls = 8
/** Milliseconds that a few calls wait for a round trip that is under way, which may be that of a dead connection. */
const lateMs = 20
/** A limit that keeps a round trip to milliseconds, however many calls have gathered. */
const mostTogether = 100
/** A call that waits for a row of an open transaction delays the others for at most this long. */
const lockTimeoutTogether = '100ms'
/**
 * Shorter than the time that a `brief` statement gets: so Postgres reports the lock, and the connection stays usable. After a
 * statement without a response, all connections of the process are replaced.
 */
const lockTimeoutAlone = '4s'

/** A function in the database that is called several times, or with several arguments, in one statement. */
export interface GatheredCall<Asked> {
  /** Its rows, named `answer`, and for each of them the `place` of its call in `calls`, an array of JSON objects. */
  readonly answers: (calls: RawBuilder<unknown>) => RawBuilder<unknown>
  /** What is selected from its rows. */
  readonly columns: RawBuilder<unknown>
  /**
   * The calls of one statement are made in the order of these keys, so that two processes lock the same rows in the same order.
   */
  readonly orderOf?: (asked: Asked) => string
  /** The replacer with which the arguments are written as JSON. */
  readonly replacer?: (key: string, value: unknown) => unknown
}

/**
 * Calls a function once for each of the calls.
 *
 * @param given the fields of the arguments as columns of `given`, with their types
 * @param call the function call with these columns
 */
export function callEach(given: RawBuilder<unknown>, call: RawBuilder<unknown>): GatheredCall<never>['answers'] {
  return calls => sql`
      jsonb_to_recordset(${calls}) as given(place integer, ${given})
    cross join lateral ${call} as answer`
}

/** A row, and the call it belongs to. */
type Placed<Row> = Row & { readonly place: number }

interface Waiting<Asked, Row> {
  readonly asked: Asked
  readonly answered: PromiseWithResolvers<readonly Row[]>
}

/**
 * Batches calls: those made during a round trip share the next one, as one statement and one commit. Each gets the rows of its
 * own call after that commit. If one of them fails or waits for a lock, the statement is rolled back, and each call is repeated
 * on its own. While the store is down, no call waits for longer than one round trip takes to fail.
 *
 * @returns the function; it throws what a statement of its own would
 */
export function gather<Asked extends object, Row extends object>(
  call: GatheredCall<Asked>,
): (store: Store, asked: Asked) => Promise<readonly Row[]> {
  const gathering = new WeakMap<Store, (asked: Asked) => Promise<readonly Row[]>>()
  return (store, asked) => {
    const known = gathering.get(store) ?? gatherFor(store, call)
    gathering.set(store, known)
    return known(asked)
  }
}

function gatherFor<Asked extends object, Row extends object>(store: Store, call: GatheredCall<Asked>) {
  const { orderOf, replacer } = call
  const statement = compile<Asked, Row>(store, call)
  const waiting: Waiting<Asked, Row>[] = []
  let underWay = 0
  let callsUnderWay = 0
  let roundTrips = 0
  let untilLate: NodeJS.Timeout | undefined

  async function ask(asked: readonly Asked[], lockTimeout: string): Promise<readonly Placed<Row>[]> {
    const places = asked.map((each, place) => ({ place, ...each }))
    const parameters = [writeJson(places, replacer), lockTimeout]
    const { rows } = await store.executeQuery<Placed<Row>>({ ...statement, parameters })
    return rows
  }

  async function askTogether(together: readonly Waiting<Asked, Row>[]): Promise<void> {
    const roundTripsBefore = roundTrips
    try {
      const rows = await ask(
        together.map(each => each.asked),
        lockTimeoutTogether,
      )
      roundTrips += 1
      const byPlace = Map.groupBy<number, Placed<Row>>(rows, ({ place }) => place)
      for (const [place, { answered }] of together.entries()) answered.resolve(byPlace.get(place) ?? [])
    } catch (error) {
      const isOfOne = concernsOneCall(error)
      for (const { asked, answered } of together) {
        if (isOfOne) answered.resolve(ask([asked], lockTimeoutAlone))
        else answered.reject(error)
      }
      if (isOfOne || !(error instanceof TransientError) || roundTrips > roundTripsBefore) return
      // The store has answered nothing meanwhile, and those that waited would wait as long again.
      for (const { answered } of waiting.splice(0)) answered.reject(error)
    }
  }

  function askNext(isLate = false): void {
    while (waiting.length > 0) {
      const calls = waiting.length + callsUnderWay
      const atOnce = calls > fewCalls || isLate ? exchangesAtOnce : 1
      if (underWay >= atOnce) {
        if (underWay < exchangesAtOnce) untilLate ??= setTimeout(askLate, lateMs)
        return
      }
      // An even share: many callers in one and a few in the others would leave nothing to overlap, or one for each.
      const share = Math.ceil(calls / atOnce)
      const together = waiting.splice(0, Math.min(share, mostTogether))
      if (orderOf) together.sort((one, other) => (orderOf(one.asked) < orderOf(other.asked) ? -1 : 1))
      underWay += 1
      callsUnderWay += together.length
      void askTogether(together).then(() => {
        underWay -= 1
        callsUnderWay -= together.length
        // The next calls of those that were answered join in.
        setImmediate(askNext)
      })
    }
    clearTimeout(untilLate)
    untilLate = undefined
  }

  function askLate(): void {
    untilLate = undefined
    askNext(true)
  }

  return (asked: Asked): Promise<readonly Row[]> => {
    const answered = Promise.withResolvers<readonly Row[]>()
    waiting.push({ asked, answered })
    // Other calls in this turn of the event loop join in.
    setImmediate(askNext)
    return answered.promise
  }
}

/** The statement is the same for any number of calls. Its parameters are the calls as JSON, and the lock timeout. */
function compile<Asked, Row>(store: Store, { answers, columns }: GatheredCall<Asked>): CompiledQuery<Placed<Row>> {
  return sql<Placed<Row>>`${brief}
    select place, ${columns}
    from ${answers(sql`${null}::jsonb`)}
    where (select set_config('lock_timeout', ${null}, true)) is not null`.compile(store)
}

/** The arguments of a call have no JSON: a BigInt, or an object that contains itself. */
export class NoJsonError extends TypeError {}

function writeJson(value: unknown, replacer: GatheredCall<never>['replacer']): string {
  try {
    return JSON.stringify(value, replacer)
  } catch (cause) {
    throw new NoJsonError('The arguments of a call cannot be written as JSON', { cause })
  }
}

/** A value, a constraint or a lock: nothing is wrong with the other calls, and all were rolled back or not sent. */
function concernsOneCall(error: unknown): boolean {
  if (error instanceof NoJsonError) return true
  // Transient errors are the worker's own, with Postgres' error as their cause.
  const thrown = error instanceof TransientError ? error.cause : error
  return /^(22|23|40|55)/.test(sqlStateOf(thrown) ?? '')
}
