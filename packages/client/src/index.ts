/** Makes typed requests to a hasura-sync-worker and waits for them. */
export { ClientError, type ClientErrorCode } from './client-error.ts'
export type { ClientCredentials, TokenOption } from './create-access.ts'
export {
  type Client,
  type ClientOptions,
  createClient,
  type RequestOptions,
  type WaitOptions,
} from './create-client.ts'
export type { JobLike, JobName, JobNamed, PayloadOf } from './job-types.ts'
export type { Change, ChangesOptions } from './read-changes.ts'
export type { Accepted, Progress, RequestReport, RequestState } from './request-report.ts'
