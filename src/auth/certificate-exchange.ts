import { errorCodeOf, OutageError } from '../errors.ts'
import { createCertificateExchange, type Exchange } from '../outgoing/exchange.ts'
import { showUrl } from '../outgoing/secure-address.ts'
import type { Clock } from '../time/clock.ts'
import { type ClientCertificate, describeCertificate, findCertificateRemedy } from './client-certificate.ts'
import { refuseCredential } from './refuse-credential.ts'

/**
 * Logs in with a client certificate (RFC 8705, section 2).
 *
 * The exchange rejects with RefusalError (`client-auth`) when the server refuses the certificate in TLS, and with OutageError
 * (`token-endpoint`) when it closes the connection, which may mean the same.
 */
export function createCertificateLoginExchange(certificate: ClientCertificate, clock: Pick<Clock, 'now'>): Exchange {
  const exchange = createCertificateExchange(certificate)
  return async (address, outgoing, limits) => {
    const url = new URL(address)
    if (url.protocol !== 'https:') {
      throw refuseCredential({
        found: `A client certificate can't be sent to ${showUrl(url)}, which is not https`,
        remedy: 'set an https address, or another CLIENT_AUTH',
      })
    }
    return exchange(url, outgoing, limits).catch((error: unknown) => {
      throw translateFailure(error, url, certificate, clock.now())
    })
  }
}

/** Translates what ended a connection before a response. */
function translateFailure(error: unknown, url: URL, certificate: ClientCertificate, now: number): unknown {
  const code = errorCodeOf(error) ?? ''
  const shown = describeCertificate(certificate)
  const remedy = findCertificateRemedy(certificate, now)
  if (certificateAlert.test(code)) {
    return refuseCredential({
      found: `${showUrl(url)} refused the client certificate (${shown}; ${code})`,
      remedy,
    })
  }
  if (!hungUp.has(code)) return error
  return new OutageError('token-endpoint', 'account', {
    found: `No usable response from ${showUrl(url)}, the connection was cut off (${code}), perhaps because the server refuses the client certificate (${shown})`,
    remedy,
  })
}

/** Node's codes for TLS alerts (RFC 8446, section 6.2) about our certificate. */
const certificateAlert = /^ERR_SSL_[A-Z0-9_/]*ALERT_(?:[A-Z_]*CERTIFICATE[A-Z_]*|UNKNOWN_CA|ACCESS_DENIED)$/

/** In TLS 1.3 the client may have sent its request before the server checks the certificate, and the alert may get lost. */
const hungUp: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE'])
