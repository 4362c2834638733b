import { z } from 'zod'

const countsSchema = z.record(z.string(), z.number())

const logLineSchema = z.object({
  level: z.string(),
  msg: z.string(),
  account: z.string().optional(),
  job: z.string().optional(),
  run: z.string().optional(),
  request: z.string().optional(),
  trigger: z.string().optional(),
  step: z.string().optional(),
  role: z.string().optional(),
  address: z.string().optional(),
  counts: countsSchema.optional(),
  error: z.object({ code: z.string(), message: z.string() }).optional(),
})

/** One JSON line of the worker's log, as far as the demo tells it. */
export type LogLine = z.infer<typeof logLineSchema>

/** @returns undefined for a line that is no log line, such as what Node itself says when a process dies */
export function parseLogLine(text: string): LogLine | undefined {
  try {
    return logLineSchema.safeParse(JSON.parse(text)).data
  } catch {
    return undefined
  }
}

/** The line in words; undefined for what needs no telling. */
export function describeLogLine(line: LogLine): string | undefined {
  const { msg, job = '', error } = line
  if (msg.startsWith('worker ready')) return `ready at ${line.address}, queue and database embedded in its DATA_DIR`
  if (msg === 'first login: calling refresh_users')
    return `first login of "${line.account}": calls refresh_users as ${line.role}`
  if (msg === 'bootstrap: step requested') return `bootstrap: requests ${line.step}`
  if (msg === 'run started') return `${job}: run ${line.run} started (${line.trigger})`
  if (msg === 'run succeeded')
    return `${job}: run ${line.run} succeeded${line.counts ? `, ${describeCounts(line.counts)}` : ''}`
  if (error) return `${job ? `${job}: ` : ''}${msg}: ${error.message}`
  return line.level === 'debug' || msg.startsWith('requests over HTTP') ? undefined : msg
}

/** `105 rows read: 105 new, 0 changed, 0 unchanged` */
export function describeCounts(counts: z.infer<typeof countsSchema>): string {
  const { read = 0, inserted = 0, updated = 0, unchanged = 0 } = counts
  return `${read} rows read: ${inserted} new, ${updated} changed, ${unchanged} unchanged`
}
