/** The engine's public API. Everything else is private and may change in any version. */
export type { Requirement, ScheduleRule } from './account.ts'
export { type Change, readChanges } from './changes/changes.ts'
export { followChanges } from './changes/follow-changes.ts'
export { bootstrapAccount } from './definitions/bootstrap-account.ts'
export {
  defineJob,
  type JobContext,
  type JobDefinition,
  type JobResult,
  type Progress,
} from './definitions/define-job.ts'
export { defineSpec, type JobName, type JobNamed, type JobSpec, type PayloadOf } from './definitions/job-spec.ts'
export { type TableEvent, tableEvents } from './definitions/table-events.ts'
export {
  OutageError,
  PermanentError,
  RateLimitedError,
  RefusalError,
  TransientError,
  UnknownOutcomeError,
} from './errors.ts'
export type { FirstLoginDefinition } from './gate/first-login.ts'
export type { Session } from './gate/session.ts'
export type { HasuraClient } from './hasura/hasura-client.ts'
export { withoutNulls } from './hasura/without-nulls.ts'
export type { ChangedTable } from './mirror/changed-table.ts'
export { openListRead, totalOf } from './mirror/list-read.ts'
export { mirrorRows } from './mirror/mirror-rows.ts'
export { readMirror } from './mirror/read-mirror.ts'
export type { LiveOptions } from './pull/live-settings.ts'
export type { PullOptions } from './pull/pull-options.ts'
export { type PullJob, pullSync } from './pull/pull-sync.ts'
export { cursorPages } from './rest/cursor-pages.ts'
export { isMissing, isNotFound } from './rest/is-missing.ts'
export { numberedPages } from './rest/numbered-pages.ts'
export { offsetPages } from './rest/offset-pages.ts'
export { parseAnswer } from './rest/parse-answer.ts'
export type { RestApi } from './rest/rest-api.ts'
export { defineWebhook } from './webhooks/define-webhook.ts'
