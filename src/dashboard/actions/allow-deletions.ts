import { UsageError } from '../../errors.ts'
import { probeNow } from '../../holds/holds.ts'
import type { MissingRows } from '../../mirror/missing-rows.ts'
import { html } from '../html.ts'
import { missingList } from '../pages/missing-list.ts'
import { count } from '../parts.ts'
import { findMissing } from '../read/missing-rows.ts'
import { type Action, inBatches, makeRequest, requireFilter, requirePreview } from './action.ts'

/** Guards whose rows a preview shows. */
const mostShown = 10

/** Allows the deletions that the guards of a filter hold. */
export const allowDeletions: Action = {
  title: 'Allow these deletions',
  does: 'Compares all keys again, and marks the rows that are gone as deleted: at most as many as are shown here. If more are gone by then, the job is held again.',
  isGrave: true,
  async preview(context, wanted) {
    requireFilter(wanted)
    const found = await findMissing(context.reading, wanted)
    const shown = await Promise.all(
      found.slice(0, mostShown).map(async missing => {
        const title = `${missing.account} · ${missing.job}`
        return html`<section><h2>${title}</h2>${await missingList(context, missing)}</section>`
      }),
    )
    return {
      total: rowsOf(found),
      unit: 'rows',
      sample: [],
      detail: html`${shown}${found.length > mostShown && html`<p>And those of ${count(found.length - mostShown)} more jobs of accounts.</p>`}`,
      upTo: found
        .map(({ id }) => BigInt(id))
        .reduce((newest, id) => (id > newest ? id : newest), 0n)
        .toString(),
    }
  },
  async carry(context, wanted) {
    const { reading, signal } = context
    requireFilter(wanted)
    const upTo = BigInt(requirePreview(wanted))
    const found = await findMissing(reading, wanted)
    const shown = found.filter(({ id }) => BigInt(id) <= upTo)
    if (shown.length === 0) {
      throw new UsageError({
        found: 'Since the preview, another comparison has found which rows are missing',
        remedy: 'go back, and look at what would be deleted now',
      })
    }
    await inBatches(shown, signal, async ({ account, job, missingThere }) => {
      await makeRequest(context, { account, job }, { allowDeletions: missingThere })
      await probeNow(reading.deps.store, [account], job)
    })
    return rowsOf(shown)
  },
}

function rowsOf(all: readonly MissingRows[]): number {
  return all.reduce((sum, { missingThere }) => sum + missingThere, 0)
}
