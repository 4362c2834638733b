import { jobsOf } from '../../definitions/account-jobs.ts'
import { bootstrapJob } from '../../definitions/bootstrap-account.ts'
import type { JobDefinition } from '../../definitions/define-job.ts'
import { propertiesOf } from '../../definitions/payload-properties.ts'
import { getNamed } from '../../names/find-named.ts'
import type { OperationDeps } from '../../operations/operation.ts'
import type { Wanted } from '../wanted.ts'
import {
  type Action,
  type ActionContext,
  callOf,
  inBatches,
  type LineOf,
  makeRequest,
  previewLines,
  requireFilter,
} from './action.ts'

/** Actions on each (account, job) that a filter finds. */
export const lineActions = {
  run: overLines({
    title: 'Run now',
    does: 'Makes a high-priority request for each. One that is already waiting moves ahead instead.',
    isFor: (job, { job: named }) => named !== undefined || job.name !== bootstrapJob,
    change: (context, line) => makeRequest(context, line, {}),
  }),
  full: overLines({
    title: 'Read everything again',
    does: 'Reads every row again and compares it. No data is lost, but the API has to return whole tables.',
    isFor: job => propertiesOf(job.payload).includes('full'),
    change: (context, line) => makeRequest(context, line, { full: true }),
  }),
  'dry-run': overLines({
    title: 'Dry run',
    does: 'Runs without changing anything, and counts what would change.',
    isFor: job => job.canDryRun === true,
    async change({ operations, viewer, signal }, line) {
      // Not awaited: the run's page shows how it ends.
      operations.run({ ...line, dryRun: true }, { ...callOf(viewer), signal }).catch(() => {})
    },
  }),
  reset: overLines({
    title: 'Reset',
    does: 'Deletes the checkpoint: the next run reads everything. The rows stay until then.',
    isGrave: true,
    isFor: () => true,
    change: ({ operations, viewer }, line) => operations.reset(line, callOf(viewer)),
  }),
} satisfies Readonly<Record<string, Action>>

/** An action on each (account, job) that a filter finds. */
function overLines({
  isFor,
  change,
  ...told
}: Pick<Action, 'title' | 'does' | 'isGrave'> & {
  isFor(job: JobDefinition, wanted: Wanted): boolean
  change(context: ActionContext, line: LineOf): Promise<unknown>
}): Action {
  const find = ({ reading: { deps } }: ActionContext, wanted: Wanted) =>
    findLines(deps, wanted, job => isFor(job, wanted))
  return {
    ...told,
    async preview(context, wanted) {
      const lines = find(context, wanted)
      return previewLines(lines, 'jobs of accounts')
    },
    async carry(context, wanted) {
      const lines = find(context, wanted)
      await inBatches(lines, context.signal, line => change(context, line))
      return lines.length
    },
  }
}

/** @throws UsageError without a filter; NotFoundError for unknown names */
function findLines(
  { accounts, jobs }: OperationDeps['deps'],
  { account, job }: Wanted,
  isFor: (job: JobDefinition) => boolean,
): readonly LineOf[] {
  requireFilter({ account, job })
  const wantedJobs = job === undefined ? [...jobs.values()] : [getNamed('job', jobs, job)]
  const wantedAccounts = account === undefined ? [...accounts.values()] : [getNamed('account', accounts, account)]
  return wantedAccounts.flatMap(access =>
    jobsOf(access.account, wantedJobs)
      .filter(isFor)
      .map(({ name }) => ({ account: access.account.name, job: name })),
  )
}
