/** What a project imports: everything else is the engine's own, and may change in any version. */
export type { Requirement, ScheduleRule } from './account.ts'
export { bootstrapAccount } from './definitions/bootstrap-account.ts'
export {
  defineJob,
  type JobContext,
  type JobDefinition,
  type JobResult,
  type Progress,
} from './definitions/define-job.ts'
export { defineSpec, type JobName, type JobNamed, type JobSpec, type PayloadOf } from './definitions/job-spec.ts'
export {
  OutageError,
  PermanentError,
  RateLimitedError,
  RefusalError,
  TransientError,
  UnknownOutcomeError,
} from './errors.ts'
export type { FirstLoginOperations } from './gate/first-login.ts'
export type { Session } from './gate/session.ts'
export type { HasuraClient } from './hasura/hasura-client.ts'
export { withoutNulls } from './hasura/without-nulls.ts'
export { cursorPages } from './rest/cursor-pages.ts'
export { isMissing, isNotFound } from './rest/is-missing.ts'
export { numberedPages } from './rest/numbered-pages.ts'
export { offsetPages } from './rest/offset-pages.ts'
export { parseAnswer } from './rest/parse-answer.ts'
export type { RestApi } from './rest/rest-api.ts'
export { type Change, type ChangedTable, followChanges, readChanges } from './sync/changes.ts'
export { openListRead, totalOf } from './sync/list-read.ts'
export { mirrorRows } from './sync/mirror-rows.ts'
export { type PullJob, type PullOptions, pullSync } from './sync/pull-sync.ts'
export { readMirror } from './sync/read-mirror.ts'
