import type { Explanation } from '../explanation.ts'
import { findPlace } from '../failures/explain-thrown.ts'

/**
 * Explains an end of the process that code of the project or of its packages has called for, in the midst of a command. Node calls the
 * listeners of `exit` within `process.exit`, so the stack still shows the caller.
 *
 * @returns undefined when nobody called `process.exit`
 */
export function explainExit(code: number): Explanation | undefined {
  const call = new Error()
  Error.captureStackTrace(call, process.exit)
  if (!call.stack?.includes('\n')) return undefined
  const place = findPlace(call)
  return {
    found: `process.exit(${code}) ended the process before the command was done${place ? ` (at ${place})` : ''}`,
    remedy:
      'let the job return or throw an error instead, and use no package that ends the process; a run that was active is interrupted and runs again',
  }
}
