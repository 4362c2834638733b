import { UsageError } from '../errors.ts'
import type { Operations } from '../operations/registry.ts'
import { flagOf } from './command.ts'
import { flag, jsonOption } from './options.ts'

export const payloadOption = jsonOption(
  'JSON',
  'payload of the request; a pull takes full, sweep, rung, backfill, keys and allowDeletions',
)

/** Each flag is short for a property of the payload: `--full` is `--payload '{"full":true}'`. */
export const payloadFlags = {
  full: flag('read every row again and compare it'),
  allowDeletions: flag('mark missing rows as deleted, however many they are'),
}

type Flags = Readonly<Record<keyof typeof payloadFlags, boolean>>

/**
 * Adds the given flags to the payload.
 *
 * @throws UsageError when the payload isn't an object
 */
export function addFlags(payload: unknown, flags: Flags): unknown {
  const given = givenOf(flags)
  if (given.length === 0) return payload
  if (payload !== undefined && (typeof payload !== 'object' || payload === null || Array.isArray(payload))) {
    throw new UsageError({
      found: `The payload is not an object, so ${given.map(flagOf).join(' and ')} can't be added to it`,
      remedy: 'give --payload a JSON object',
    })
  }
  return { ...payload, ...Object.fromEntries(given.map(name => [name, true])) }
}

/**
 * Refuses a flag that the job ignores: a loose payload schema would accept it without effect.
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
    found: `The payload of ${job} has no property for ${unknown.join(' and ')}`,
    remedy: 'leave it out: only jobs with such a property, as pulls have, take this flag',
  })
}

function givenOf(flags: Flags): (keyof Flags)[] {
  return (['full', 'allowDeletions'] as const).filter(name => flags[name])
}
