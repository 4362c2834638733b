import { z } from 'zod'
import { findJson } from '../json/parse-json.ts'

const countsSchema = z.record(z.string(), z.number())

const logLineSchema = z.object({
  level: z.string(),
  time: z.string().optional(),
  msg: z.string(),
  account: z.string().optional(),
  job: z.string().optional(),
  run: z.string().optional(),
  request: z.string().optional(),
  trigger: z.string().optional(),
  role: z.string().optional(),
  address: z.string().optional(),
  queue: z.string().optional(),
  store: z.string().optional(),
  counts: countsSchema.optional(),
  problems: z.array(z.string()).optional(),
  error: z.object({ code: z.string(), message: z.string() }).optional(),
})

/** The part of a JSON log line that is shown to a person. */
export type LogLine = z.infer<typeof logLineSchema>

/** @returns undefined for a line that isn't JSON of the log, such as Node's own message when a process crashes */
export function parseLogLine(text: string): LogLine | undefined {
  return logLineSchema.safeParse(findJson(text)).data
}

/** Renders the line as a sentence. */
export function describeLogLine(line: LogLine): string {
  const { msg, job, account, error, problems } = line
  if (msg.startsWith('worker ready')) return `${msg}: ${line.address}, queue ${line.queue}, store ${line.store}`
  if (msg === 'first login: calling refresh_users')
    return `first login of "${account}": calls refresh_users as ${line.role}`
  // The default account needs no name.
  const subject = [account === 'default' ? undefined : account, job].filter(part => part !== undefined).join(': ')
  const told = [describeEvent(line), ...(error ? [error.message] : []), ...(problems ?? [])].join(': ')
  return subject === '' ? told : `${subject}: ${told}`
}

function describeEvent({ msg, run, trigger, counts }: LogLine): string {
  if (msg === 'run started') return `run ${run} started (${trigger})`
  if (msg === 'run succeeded') return `run ${run} succeeded${counts ? `, ${describeCounts(counts)}` : ''}`
  return msg
}

/** `105 rows read: 105 new, 0 changed, 0 unchanged` */
export function describeCounts(counts: Readonly<Record<string, number>>): string {
  const { read = 0, inserted = 0, updated = 0, unchanged = 0, deleted = 0 } = counts
  const gone = deleted > 0 ? `, ${deleted} deleted` : ''
  return `${read} rows read: ${inserted} new, ${updated} changed, ${unchanged} unchanged${gone}`
}
