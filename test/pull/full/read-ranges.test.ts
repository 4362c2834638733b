import { setImmediate as nextTurn } from 'node:timers/promises'
import { parse } from 'graphql'
import { expect, test } from 'vitest'
import type { HasuraClient } from '../../../src/hasura/hasura-client.ts'
import { rowsOf } from '../../../src/hasura/rows.ts'
import { readRanges } from '../../../src/pull/full/read-ranges.ts'
import type { PullRun } from '../../../src/pull/pull-run.ts'
import { systemClock } from '../../../src/time/clock.ts'

const rows = parse('query Rows { rows { id } }')
const keyAt = parse('query KeyAt { rows { id } }')
const pageSize = 2
/** A range of twenty rows is found at the beginning; what is behind it has 19 and is one range, which is halved. */
const ids = Array.from({ length: 39 }, (_, n) => n + 1)

function matches(id: number, where: object): boolean {
  const { _and: all, id: compared } = where as { _and?: object[]; id?: Record<'_gt' | '_lte', number> }
  if (all) return all.every(part => matches(id, part))
  return !compared || (id > (compared._gt ?? 0) && id <= (compared._lte ?? Number.POSITIVE_INFINITY))
}

test('a range that is halved while it is read isn’t done before that is written down', async () => {
  const halved = Promise.withResolvers<void>()
  const written = Promise.withResolvers<void>()
  let isHalving = false
  const kept: { last: number | undefined; isLast: boolean }[] = []

  const queryRows: HasuraClient['queryRows'] = async (document, given) => {
    const { where = {}, limit = 0, offset = 0 } = given as { where?: object; limit?: number; offset?: number }
    const isPage = JSON.stringify(document) === JSON.stringify(rows)
    const found = ids.filter(id => matches(id, where)).slice(offset, offset + limit)
    // Nothing of the second range comes before its half is found.
    if (isPage && (found[0] ?? 0) > 20) await halved.promise
    if (!isPage && offset === 9) isHalving = true
    return { ...rowsOf(found.map(id => ({ id }))), length: 1, serverDate: undefined }
  }
  const refuse = () => expect.fail('it is not used')
  const run = {
    ranges: 2,
    remote: {
      hasura: { role: 'viewer', query: refuse, mutate: refuse, queryRows },
      clock: systemClock,
      place: 'rows',
      rows,
      derived: { keys: rows, keyAt },
      where: {},
      key: { columns: ['id'], sentAsNumbers: new Set(['id']) },
      pageSize,
    },
    context: {
      signal: new AbortController().signal,
      progress() {},
      // What is committed here is only where ranges are cut.
      async transaction() {
        if (!isHalving) return
        halved.resolve()
        await written.promise
      },
    } as unknown as PullRun['context'],
  }
  const range = { range: 0, behind: undefined, upTo: undefined, position: undefined, rows: 0, done: false }
  const read = {
    ...({ id: '1', purpose: 'load', phase: 'reading', definition: '', startedAt: '', high: undefined } as const),
    ...{ total: undefined, staged: false, requestId: '', createdAt: new Date(), here: 0, gone: 0, ranges: [range] },
  }
  const reading = readRanges(run, rows, read, async page => {
    const last = page?.rows.column('id')?.text(page.rows.count - 1)
    kept.push({ last: last === undefined ? undefined : Number(last), isLast: page?.isLast ?? true })
  })

  await halved.promise
  // The half up to 30 is read to its end meanwhile.
  for (let turn = 0; turn < 1_000; turn += 1) await nextTurn()
  const closed = () => kept.filter(({ isLast }) => isLast).map(({ last }) => last)
  expect(Math.max(...kept.map(({ last = 0 }) => last))).toBe(28)
  expect(closed()).toEqual([20])
  written.resolve()
  await reading
  expect(closed().slice(0, 2)).toEqual([20, 30])
  expect(kept.flatMap(({ last }) => last ?? []).sort((a, b) => a - b)).toEqual([
    ...ids.filter(id => id % pageSize === 0),
    39,
  ])
})
