import { spawnSync } from 'node:child_process'

/** How long a new process takes on a machine of two cores that does nothing else, in milliseconds. */
export const USUAL_MS = 60

/**
 * How many times slower than usual this machine is now, at least 1: for how long a test waits before it gives up. What it
 * waits for ends its waiting, so this costs nothing where tests pass.
 */
export function measureSlowness(): number {
  const begun = performance.now()
  for (let n = 0; n < 3; n += 1) spawnSync(process.execPath, ['-e', '0'])
  return Math.max(1, (performance.now() - begun) / 3 / USUAL_MS)
}
