import { placeOf } from './article-rows.ts'

/** Rows from `start` up to, but not including, `end`. */
export interface Interval {
  readonly start: number
  readonly end: number
}

/**
 * The interval of rows that a `where` selects. All rows have the same order by instant and by id, so every page of a pull is one
 * interval: conditions narrow it, and alternatives are adjacent.
 *
 * @throws RangeError if the order alone can't tell
 */
export function findInterval(where: unknown, all: Interval): Interval {
  return Object.entries(Object(where)).reduce<Interval>((rest, [name, condition]) => {
    if (name === '_and') return [condition].flat().reduce<Interval>((left, each) => findInterval(each, left), rest)
    if (name === '_or') return hull([condition].flat().map(each => findInterval(each, rest)))
    if (name === 'id' || name === 'updated_at') return compare(placeOf[name], Object(condition), rest)
    throw new RangeError(`The prepared pages support no condition on ${name}`)
  }, all)
}

function compare(place: (text: string) => number, condition: object, within: Interval): Interval {
  return Object.entries(condition).reduce<Interval>(({ start, end }, [operator, value]) => {
    const at = place(String(value))
    const notBelow = Math.ceil(at)
    const above = Math.floor(at) + 1
    switch (operator) {
      case '_gte':
        return { start: Math.max(start, notBelow), end }
      case '_gt':
        return { start: Math.max(start, above), end }
      case '_lt':
        return { start, end: Math.min(end, notBelow) }
      case '_lte':
        return { start, end: Math.min(end, above) }
      case '_eq':
        return { start: Math.max(start, notBelow), end: Math.min(end, above) }
      default:
        throw new RangeError(`The prepared pages don't support the operator ${operator}`)
    }
  }, within)
}

function hull(intervals: readonly Interval[]): Interval {
  const some = intervals.filter(({ start, end }) => start < end)
  if (some.length === 0) return { start: 0, end: 0 }
  return { start: Math.min(...some.map(({ start }) => start)), end: Math.max(...some.map(({ end }) => end)) }
}
