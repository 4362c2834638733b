import type { Told } from '../explanation.ts'
import { findNearNames } from '../names/near-names.ts'
import type { PullOptions } from './pull-options.ts'
import type { DeletionGuard } from './pull-run.ts'

type Names<T> = Readonly<Record<keyof T, true>>

const optionNames: Names<PullOptions<unknown, unknown>> = {
  name: true,
  document: true,
  role: true,
  key: true,
  cursor: true,
  into: true,
  schedule: true,
  on: true,
  where: true,
  pageSize: true,
  ranges: true,
  lookback: true,
  sweep: true,
  softDelete: true,
  deletionGuard: true,
  transform: true,
  flatten: true,
  evolution: true,
  live: true,
}

const guardNames: Names<DeletionGuard> = { share: true, floor: true }

/**
 * What only a compiler would refuse, while Node strips types without checking them: without a word, a misspelt option has no effect, such
 * as a filter.
 */
export function findOptionProblems(options: Readonly<Record<string, unknown>>): readonly Told[] {
  const { into, flatten, deletionGuard } = options
  return [
    ...findUnknown('', options, optionNames),
    ...findUnknown('deletionGuard.', Object(deletionGuard ?? {}), guardNames),
    ...(typeof into === 'string' ? [] : [{ found: '"into" names no mirror table', remedy: 'give it a text' }]),
    ...(flatten === undefined || Array.isArray(flatten)
      ? []
      : [{ found: '"flatten" is no list', remedy: "write one, such as ['author']" }]),
  ]
}

function findUnknown(path: string, given: object, known: Readonly<Record<string, true>>): readonly Told[] {
  return Object.keys(given)
    .filter(name => !Object.hasOwn(known, name))
    .map(name => {
      const [near] = findNearNames(name, Object.keys(known))
      return {
        found: `"${path}${name}" is no option of a pull`,
        remedy: near === undefined ? 'remove it' : `did you mean "${path}${near}"?`,
      }
    })
}
