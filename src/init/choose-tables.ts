import { UsageError } from '../errors.ts'
import { findNearNames } from '../names/near-names.ts'

/**
 * Parses a choice from a numbered list of tables: `all`, `none`, or numbers and names, separated by commas or spaces.
 *
 * @throws UsageError for any other word
 */
export function readChoice(answer: string, tables: readonly string[]): readonly string[] {
  const words = answer.split(/[\s,]+/).filter(word => word !== '')
  const [word = 'none', ...more] = words
  if (more.length === 0 && /^(?:none|all)$/i.test(word) && !tables.includes(word)) {
    return word.toLowerCase() === 'all' ? tables : []
  }
  return [...new Set(words.map(each => findTable(each, tables)))]
}

function findTable(word: string, tables: readonly string[]): string {
  const found = tables.includes(word) ? word : /^\d+$/.test(word) ? tables[Number(word) - 1] : undefined
  if (found !== undefined) return found
  const near = findNearNames(word, tables)
  throw new UsageError({
    found: `"${word}" is not in the list`,
    remedy:
      near.length > 0 ? `did you mean ${near.join(' or ')}?` : `give numbers from 1 to ${tables.length}, or names`,
  })
}
