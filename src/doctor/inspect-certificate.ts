import { X509Certificate } from 'node:crypto'
import type { Login } from '../account.ts'
import type { ReadSecretFile } from '../auth/read-credential-file.ts'
import type { Clock } from '../time/clock.ts'
import { describeSeconds } from '../time/duration.ts'
import { type Finding, warn } from './check.ts'

/** Enough time to have a certificate renewed by hand, in milliseconds. */
const enoughMs = 14 * 86_400_000
/** What automatic renewal leaves of a certificate's life at least. */
const enoughShare = 0.25

/**
 * Warns when the certificate with which an account logs in expires soon. One that can't be used is reported by the login, which fails
 * with it.
 */
export async function inspectCertificate(
  login: Login,
  { readSecretFile, clock }: { readonly readSecretFile: ReadSecretFile; readonly clock: Pick<Clock, 'now'> },
): Promise<Finding | undefined> {
  if (login.method !== 'tls_client_auth') return undefined
  try {
    const { validFromDate, validToDate } = new X509Certificate(await readSecretFile(login.certificateFile))
    const leftMs = validToDate.getTime() - clock.now()
    const lifeMs = validToDate.getTime() - validFromDate.getTime()
    if (leftMs <= 0 || leftMs > Math.min(enoughMs, lifeMs * enoughShare)) return undefined
    return warn(
      `the certificate ${login.certificateFile} expires in ${describeSeconds(leftMs / 1_000)}`,
      'have its authority renew it, and replace both files; the worker needs no restart',
    )
  } catch {
    return undefined
  }
}
