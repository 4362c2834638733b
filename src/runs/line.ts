/** The requests of one account and job, of which one runs at a time. */
export interface LineName {
  readonly account: string
  readonly job: string
}

/** A unique key for the line. */
export function lineKey({ account, job }: LineName): string {
  return `${account}/${job}`
}

/** A line that may have work: `fence` is the number that a claim would follow. */
export interface Line extends LineName {
  readonly fence: string
}

/** Tells processes that these lines may have work. A lost wake-up costs at most one pulse. */
export type Wake = (lines: readonly Line[]) => void
