import type { Wanted } from '../wanted.ts'
import { type Action, type ActionContext, callOf, inBatches, previewLines } from './action.ts'

/** Actions on the schedules that a filter finds. */
export const scheduleActions = {
  pause: overSchedules(
    'Pause',
    'The schedule makes no requests until it is resumed. Waiting and running requests continue.',
    true,
  ),
  resume: overSchedules('Resume', 'The schedule makes requests again. One with an interval is due immediately.', false),
} satisfies Readonly<Record<string, Action>>

function overSchedules(title: string, does: string, paused: boolean): Action {
  const find = async ({ operations, viewer }: ActionContext, { account, job }: Wanted) =>
    (await operations.listSchedules({}, callOf(viewer))).filter(
      row =>
        row.paused !== paused &&
        (account === undefined || row.account === account) &&
        (job === undefined || row.job === job),
    )
  return {
    title,
    does,
    async preview(context, wanted) {
      const found = await find(context, wanted)
      return previewLines(found, 'schedules')
    },
    async carry(context, wanted) {
      const found = await find(context, wanted)
      const { operations, viewer, signal } = context
      await inBatches(found, signal, ({ account, job }) =>
        operations.pauseSchedule({ account, job, paused }, callOf(viewer)),
      )
      return found.length
    },
  }
}
