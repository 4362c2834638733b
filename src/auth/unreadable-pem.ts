import type { RefusalError } from '../errors.ts'
import { refuseCredential } from './refuse-credential.ts'

/**
 * PEM that OpenSSL can't read. The usual cause is that JSON, an env file or YAML has changed its line breaks.
 *
 * @param holder begins the sentence: "The key file /run/key.pem holds a PRIVATE KEY"
 */
export function unreadablePem(holder: string, text: string): RefusalError {
  if (/-----BEGIN [A-Z0-9 ]+-----\\[nr]/.test(text)) {
    return refuseCredential({
      found: `${holder} whose line breaks are written as \\n`,
      remedy: "write real ones, for example with printf '%b'",
    })
  }
  if (!/[\r\n]/.test(text.trim())) {
    return refuseCredential({
      found: `${holder} without its line breaks`,
      remedy: 'copy it again with them; in YAML, write it after | instead of >',
    })
  }
  return refuseCredential({ found: `${holder} that can't be read`, remedy: 'copy it again, complete and unchanged' })
}
