import { UsageError } from '../errors.ts'
import type { Operations } from '../operations/registry.ts'
import { flagOf } from './command.ts'
import { flag, jsonOption } from './options.ts'

export const payloadOption = jsonOption(
  'JSON',
  'what is asked of the job; a pull takes full, sweep, backfill and allowDeletions',
)

/** Short for a property of the payload: `--full` is `--payload '{"full":true}'`. */
export const payloadFlags = {
  full: flag('reads every row again and compares it'),
  allowDeletions: flag('marks what is gone as deleted, however much it is'),
}

type Flags = Readonly<Record<keyof typeof payloadFlags, boolean>>

/**
 * The payload with the flags that were given.
 *
 * @throws UsageError when the payload can't have properties
 */
export function addFlags(payload: unknown, flags: Flags): unknown {
  const given = givenOf(flags)
  if (given.length === 0) return payload
  if (payload !== undefined && (typeof payload !== 'object' || payload === null || Array.isArray(payload))) {
    throw new UsageError({
      found: `The payload is no object, so ${given.map(flagOf).join(' and ')} can't be added to it`,
      remedy: 'give --payload an object',
    })
  }
  return { ...payload, ...Object.fromEntries(given.map(name => [name, true])) }
}

/**
 * A payload whose schema is loose would swallow what a flag asks for.
 *
 * @throws UsageError when the job's payload has no such property
 */
export async function requireKnown(operations: Pick<Operations, 'listJobs'>, job: string, flags: Flags): Promise<void> {
  const given = givenOf(flags)
  if (given.length === 0) return
  const report = (await operations.listJobs()).find(({ name }) => name === job)
  const unknown = given.filter(name => report && !report.takes.includes(name)).map(flagOf)
  if (unknown.length === 0) return
  throw new UsageError({
    found: `${job} doesn't know ${unknown.join(' and ')}`,
    remedy: 'run it without: a flag of the payload is for jobs that have the property, as pulls do',
  })
}

function givenOf(flags: Flags): (keyof Flags)[] {
  return (['full', 'allowDeletions'] as const).filter(name => flags[name])
}
