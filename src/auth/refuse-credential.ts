import { RefusalError, type Told } from '../errors.ts'

/** What the client would prove itself with can't be used, which was seen before anything was sent. */
export function refuseCredential(told: Told): RefusalError {
  return new RefusalError('client-auth', 'account', told)
}
