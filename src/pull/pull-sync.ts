import { defineJob, type JobDefinition } from '../definitions/define-job.ts'
import type { Doorbell } from '../definitions/doorbell.ts'
import { tableEvents } from '../definitions/table-events.ts'
import { ConfigError } from '../errors.ts'
import type { RowOf } from '../hasura/row-of.ts'
import type { ChangedTable } from '../mirror/changed-table.ts'
import { findOptionProblems } from './find-option-problems.ts'
import { findLiveProblems, type LiveSettings } from './live-settings.ts'
import { payloadOfEvent } from './payload-of-event.ts'
import { createPullListener, listLiveDocuments } from './pull-doorbell.ts'
import { type NeverNull, type PullOptions, settingsOf } from './pull-options.ts'
import { type PullSettings, pullPayload } from './pull-settings.ts'
import { createShapeFinder, findShapeProblems, findShapeRisk, readShape } from './pull-shape.ts'
import { runPull } from './run-pull.ts'

/**
 * A job that keeps a mirror table equal to what a role sees of a remote table, together with the table, whose changes can be
 * read.
 *
 * @example
 * import type { PullJob } from 'hasura-sync-worker'
 * import { syncTopics } from './sync-topics.ts'
 * import { syncUsers } from './sync-users.ts'
 *
 * export const byId: readonly PullJob<'id'>[] = [syncTopics, syncUsers]
 */
export interface PullJob<K extends string, Row = unknown, N extends string = string>
  extends JobDefinition<N, typeof pullPayload> {
  readonly mirror: ChangedTable<K, Row>
}

/** A mirrored row: a flattened object is replaced by its fields. */
export type MirroredRow<Row, F extends keyof Row & string> = Omit<Row, F> & AllOf<Flattened<Row, F>[F]>

type Flattened<Row, F extends keyof Row & string> = {
  readonly [O in F]: {
    readonly [C in keyof NonNullable<Row[O]> & string as `${O}_${C}`]: NonNullable<Row[O]>[C] | null
  }
}

type AllOf<U> = (U extends unknown ? (each: U) => void : never) extends (all: infer All) => void ? All : never

/**
 * Defines a job that keeps a mirror table equal to what a role sees of a remote table.
 *
 * @example
 * import { pullSync } from 'hasura-sync-worker'
 * import { PullUsersDocument } from '../generated/graphql.ts'
 *
 * export const syncMembers = pullSync({
 *   name: 'sync-members',
 *   document: PullUsersDocument,
 *   role: 'viewer',
 *   key: 'id',
 *   cursor: 'updated_at',
 *   into: 'members',
 *   schedule: { everySeconds: 300 },
 * })
 */
export function pullSync<
  R,
  V,
  K extends NeverNull<RowOf<R>> = NeverNull<RowOf<R>>,
  F extends keyof RowOf<R> & string = never,
  const N extends string = string,
>(options: PullOptions<R, V, K, F, N>): PullJob<K, MirroredRow<RowOf<R>, F>, N> {
  const { name, role, document, into, schedule, on } = options
  const optionProblems = findOptionProblems({ ...options })
  const settings = settingsOf(options)
  const findShape = createShapeFinder(settings)
  const job = defineJob({
    name,
    requirement: { role },
    payload: pullPayload,
    ...(schedule && { schedule }),
    ...(on && { on: tableEvents(document, on) }),
    payloadOfEvent: (event, isCrowded) => payloadOfEvent(settings, event, isCrowded),
    operations: [document],
    into,
    canDryRun: true,
    findDerivedOperations(schema) {
      const shape = readShape(settings, schema)
      const { keys, keyAt, count } = shape.derived
      const live = settings.live && listLiveDocuments(shape, settings.live)
      return [keys, keyAt, count?.document, live?.cursor, live?.count].filter(document => document !== undefined)
    },
    findProblems: schema =>
      optionProblems.length > 0
        ? optionProblems
        : [...findLiveProblems(settings.live, settings.cursor), ...findShapeProblems(settings, schema)],
    findRisk: schema => findShapeRisk(settings, schema),
    ...(settings.live && { doorbell: createDoorbell(settings, settings.live, findShape) }),
    async run(session, context) {
      const shape = await findShape(context.schemaFolder)
      return runPull(settings, shape, session, context)
    },
  })
  return { ...job, mirror: { into, key: [options.key].flat() as K[] } }
}

function createDoorbell(
  settings: PullSettings,
  live: LiveSettings,
  findShape: ReturnType<typeof createShapeFinder>,
): Doorbell {
  return {
    intervalMs: live.intervalMs,
    async listen(schemaFolder, account) {
      const shape = await findShape(schemaFolder)
      const problems = findLiveProblems(live, settings.cursor)
      if (!shape.cursor || problems.length > 0) throw new ConfigError(problems)
      return createPullListener(shape, shape.cursor, shape.spellWhere(settings.where(account), account.name), {
        live,
        sweeps: settings.sweep !== false,
      })
    },
  }
}
