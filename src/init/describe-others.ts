import type { Offer } from '../add/find-pullable.ts'
import { renderExplanation } from '../explanation.ts'

/** Says which lists aren't offered, and why; of many only their names, because `add` explains each. */
export function describeOthers(others: Offer['others']): string {
  if (others.length <= mostExplained) {
    return others.map(({ place, problem }) => `Not offered: ${place}. ${renderExplanation(problem)}.\n`).join('')
  }
  const places = others.map(({ place }) => place).join(', ')
  return `Not offered, because they need a flag of "add" or can't be pulled: ${places}.\n"npm run -s cli -- add NAME" says which; most tables without a column such as updated_at need --cursor none.\n`
}

const mostExplained = 10
