import type { HoldReport } from '../operations/holds.ts'
import { defineCommand } from './command.ts'
import { list } from './list.ts'
import { jsonOutput, oneAccount, textOption } from './options.ts'

export const holds = defineCommand({
  name: 'holds',
  summary: 'list holds: what waits for a fix, and why',
  arguments: {},
  options: { json: jsonOutput },
  run: ({ json }, context) =>
    list(context, json, { find: operations => operations.listHolds(), row: rowOf, none: 'no holds' }),
})

export const holdsProbe = defineCommand({
  name: 'holds probe',
  summary: 'probe the holds of an account now, except pauses that the API asked for, and list them',
  arguments: {},
  options: { account: oneAccount, job: textOption('JOB', 'probe only what holds this job'), json: jsonOutput },
  run: ({ json, ...wanted }, context) =>
    list(context, json, { find: operations => operations.probeHolds(wanted), row: rowOf, none: 'no holds' }),
})

function rowOf({ account, job, since, nextProbeAt, code, reason }: HoldReport): Readonly<Record<string, unknown>> {
  return { account, job: job ?? 'every job', since, 'next probe': nextProbeAt, check: code, reason }
}
