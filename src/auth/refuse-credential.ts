import { RefusalError } from '../errors.ts'
import type { Told } from '../explanation.ts'

/** Refuses an unusable credential before anything is sent. */
export function refuseCredential(told: Told): RefusalError {
  return new RefusalError('client-auth', 'account', told)
}
