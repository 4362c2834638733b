import { type RawBuilder, sql } from 'kysely'
import { TransientError } from '../errors.ts'
import { sqlStateOf } from '../failures/sql-state.ts'
import { brief } from './prepared-statements.ts'
import type { Store } from './store.ts'

/** Exchanges of one kind at once: the store works on one while this process works on what the other has brought. */
const exchangesAtOnce = 2
/** So that an exchange takes milliseconds, however much has gathered. */
const mostTogether = 100
/** A call that waits for a row of somebody's open transaction keeps the others waiting for no longer. */
const lockTimeoutTogether = '100ms'
/** The session's own. */
const lockTimeoutAlone = '5s'

/** A call of a function in the database, as it is made several times in one statement. */
export interface GatheredCall<Asked> {
  /** The fields of what is asked as columns of `given`, with their types. */
  readonly given: RawBuilder<unknown>
  /** The function, called with these columns. */
  readonly call: RawBuilder<unknown>
  /** What is read of its rows, which are `answer`. */
  readonly columns: RawBuilder<unknown>
  /** The calls of one statement are made in the order of these texts: then two processes lock the same rows in the same order. */
  readonly orderOf?: (asked: Asked) => string
}

/** A row, and whose call it answers. */
type Placed<Row> = Row & { readonly place: number }

interface Waiting<Asked, Row> {
  readonly asked: Asked
  readonly answered: PromiseWithResolvers<readonly Row[]>
}

/**
 * Calls that are made while exchanges are under way are made together in the next one, in one statement and one commit. Each is
 * answered after that commit, with the rows of its own call. When one of them fails or waits for a lock, nothing of the statement
 * holds, and each is made again alone.
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
  const { orderOf } = call
  const waiting: Waiting<Asked, Row>[] = []
  let underWay = 0

  async function askTogether(together: readonly Waiting<Asked, Row>[]): Promise<void> {
    try {
      const asked = together.map(each => each.asked)
      const rows: readonly Placed<Row>[] = await ask(store, call, asked, lockTimeoutTogether)
      const byPlace = Map.groupBy<number, Placed<Row>>(rows, ({ place }) => place)
      for (const [place, { answered }] of together.entries()) answered.resolve(byPlace.get(place) ?? [])
    } catch (error) {
      const isOfOne = concernsOneCall(error)
      for (const { asked, answered } of together) {
        if (isOfOne) answered.resolve(ask(store, call, [asked], lockTimeoutAlone))
        else answered.reject(error)
      }
    }
  }

  function askNext(): void {
    if (underWay >= exchangesAtOnce || waiting.length === 0) return
    const together = waiting.splice(0, mostTogether)
    if (orderOf) together.sort((one, other) => (orderOf(one.asked) < orderOf(other.asked) ? -1 : 1))
    underWay += 1
    void askTogether(together).then(() => {
      underWay -= 1
      askNext()
    })
  }

  return (asked: Asked): Promise<readonly Row[]> => {
    const answered = Promise.withResolvers<readonly Row[]>()
    waiting.push({ asked, answered })
    // What else is called in this turn goes along.
    setImmediate(askNext)
    return answered.promise
  }
}

async function ask<Asked, Row>(
  store: Store,
  { given, call, columns }: GatheredCall<Asked>,
  asked: readonly Asked[],
  lockTimeout: string,
): Promise<readonly Placed<Row>[]> {
  const { rows } = await sql<Placed<Row>>`${brief}
    select given.place, ${columns}
    from jsonb_to_recordset(${JSON.stringify(asked.map((each, place) => ({ place, ...each })))}::jsonb)
      as given(place integer, ${given})
    cross join lateral ${call} as answer
    where (select set_config('lock_timeout', ${lockTimeout}, true)) is not null`.execute(store)
  return rows
}

/** A value, a constraint or a lock: of what the others ask nothing is known to be wrong, and nothing of it was done. */
function concernsOneCall(error: unknown): boolean {
  // What passes comes as an error of ours, with that of Postgres as its cause.
  const thrown = error instanceof TransientError ? error.cause : error
  return /^(22|23|40|55)/.test(sqlStateOf(thrown) ?? '')
}
