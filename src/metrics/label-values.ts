/** The label of all values beyond the limit. */
export const other = 'other'

/** Distinct values of one label; each is a time series of its own in every metric that has it. */
export const mostLabelValues = 200

/**
 * Bounds the number of time series: the first values keep their names, and all later ones become `other`.
 */
export function boundLabel(limit = mostLabelValues): (value: string) => string {
  const known = new Set<string>()
  return value => {
    if (known.size < limit) known.add(value)
    return known.has(value) ? value : other
  }
}
