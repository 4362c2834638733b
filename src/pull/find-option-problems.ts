import type { Told } from '../explanation.ts'
import { findUnknownFields, type Names } from '../names/unknown-fields.ts'
import type { LiveOptions } from './live-settings.ts'
import type { PullOptions } from './pull-options.ts'
import type { DeletionGuard } from './pull-run.ts'

const optionNames: Names<PullOptions<unknown, unknown>> = {
  name: true,
  document: true,
  role: true,
  key: true,
  cursor: true,
  into: true,
  schedule: true,
  on: true,
  where: true,
  pageSize: true,
  ranges: true,
  lookback: true,
  sweep: true,
  softDelete: true,
  deletionGuard: true,
  transform: true,
  flatten: true,
  evolution: true,
  live: true,
}

const guardNames: Names<DeletionGuard> = { share: true, floor: true }
const liveNames: Names<LiveOptions> = { intervalMs: true, countUpTo: true }
const kind = 'option of a pull'

/** What only a compiler would refuse, while Node strips types without checking them. */
export function findOptionProblems(options: Readonly<Record<string, unknown>>): readonly Told[] {
  const { into, flatten, deletionGuard, live } = options
  return [
    ...findUnknownFields(kind, options, optionNames),
    ...findUnknownFields(kind, Object(deletionGuard ?? {}), guardNames, { path: 'deletionGuard.' }),
    ...findUnknownFields(kind, Object(live ?? {}), liveNames, { path: 'live.' }),
    ...(typeof into === 'string' ? [] : [{ found: '"into" names no mirror table', remedy: 'give it a text' }]),
    ...(flatten === undefined || Array.isArray(flatten)
      ? []
      : [{ found: '"flatten" is no list', remedy: "write one, such as ['author']" }]),
  ]
}
