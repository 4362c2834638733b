import { fileURLToPath } from 'node:url'

/** The same in all copies of the engine: the property of a job that says which one defined it. */
const definedBy = Symbol.for('hasura-sync-worker.defined-by')

/** The folder of the copy of the engine that this module belongs to. */
export const thisCopy = fileURLToPath(new URL('../', import.meta.url))

export function markCopy<T extends object>(job: T): T {
  return Object.assign(job, { [definedBy]: thisCopy })
}

/**
 * The folder of another copy of the engine, which has defined this job: an installation has several if one is installed globally, and
 * a workspace or a bundle may. Classes of one, such as its errors, and those of its packages, such as `graphql`, are unknown to the other.
 */
export function findOtherCopy(job: object): string | undefined {
  const copy: unknown = Reflect.get(job, definedBy)
  return typeof copy === 'string' && copy !== thisCopy ? copy : undefined
}
