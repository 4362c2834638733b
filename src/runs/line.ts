/** The requests of one account and job, of which one runs at a time. */
export interface LineName {
  readonly account: string
  readonly job: string
}

/** One text for each line, to find it by. */
export function lineKey({ account, job }: LineName): string {
  return `${account}/${job}`
}

/** A line that may have work: `fence` is the number that a claim of it would follow. */
export interface Line extends LineName {
  readonly fence: string
}

/** Tells processes that these lines may have work. A wake-up that gets lost costs at most a pulse. */
export type Wake = (lines: readonly Line[]) => void
