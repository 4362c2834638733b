import type { Progress } from '../definitions/define-job.ts'
import type { Clock } from '../time/clock.ts'

/** The speed of a run, and when it will be done at that speed. */
export interface PacedProgress extends Progress {
  readonly rowsPerSecond: number
  /** Absent if the total or the speed is unknown. */
  readonly etaSeconds?: number
}

/** Measures one run from now on. */
export function createPace(clock: Clock): (progress: Progress) => PacedProgress {
  let beganAt = clock.elapsed()
  let last = 0
  return progress => {
    const { done, total, doneBefore = 0 } = progress
    // Another read starts at zero, such as a sweep after a scan.
    if (done < last) beganAt = clock.elapsed()
    last = done
    const seconds = (clock.elapsed() - beganAt) / 1_000
    const rowsPerSecond = seconds > 0 ? Math.round((done - doneBefore) / seconds) : 0
    const isForeseeable = total !== undefined && rowsPerSecond > 0
    return {
      ...progress,
      rowsPerSecond,
      ...(isForeseeable && { etaSeconds: Math.max(0, Math.round((total - done) / rowsPerSecond)) }),
    }
  }
}
