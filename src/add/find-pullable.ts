import { NotFoundError, UsageError } from '../errors.ts'
import type { Explanation } from '../explanation.ts'
import type { RoleSchema } from '../hasura/role-schema.ts'
import { chooseCursor } from './choose-cursor.ts'
import { chooseKey } from './choose-key.ts'
import { findJobNames } from './job-names.ts'
import { renderOperation } from './render-operation.ts'
import { requireRoom } from './require-room.ts'
import { readRootField } from './root-field.ts'
import { findLists } from './root-lists.ts'

/** The lists of rows that a role sees. */
export interface Offer {
  /** Places of the lists whose key and cursor can be chosen automatically. */
  readonly pullable: readonly string[]
  /** Lists that can't be pulled, or only with further flags, and why. */
  readonly others: readonly { readonly place: string; readonly problem: Explanation }[]
}

export function findPullable(schema: RoleSchema): Offer {
  const lists = findLists(schema.schema).map(place => ({ place, problem: findProblem(place, schema) }))
  return {
    pullable: lists.filter(({ problem }) => problem === undefined).map(({ place }) => place),
    others: lists.flatMap(({ place, problem }) => (problem ? [{ place, problem }] : [])),
  }
}

function findProblem(place: string, schema: RoleSchema): Explanation | undefined {
  try {
    const root = readRootField(place, schema)
    const key = chooseKey(root, undefined)
    chooseCursor(root, undefined)
    const { value: names } = findJobNames(place).next()
    requireRoom(renderOperation(root, names, key.columns), schema, key)
    return undefined
  } catch (error) {
    if (error instanceof UsageError || error instanceof NotFoundError) return error
    throw error
  }
}
