import { X509Certificate } from 'node:crypto'
import { parsePrivateKey } from './private-key.ts'
import { refuseCredential } from './refuse-credential.ts'
import { unreadablePem } from './unreadable-pem.ts'

/** A certificate with its key, for TLS. */
export interface ClientCertificate {
  /** PEM. */
  readonly cert: string
  /** PEM. */
  readonly key: string
  /** The subject, written as Keycloak expects it under Subject DN. */
  readonly subject: string
  /** Milliseconds since 1970, like `validUntil`. */
  readonly validFrom: number
  readonly validUntil: number
}

/**
 * Checks a certificate and its key (RFC 8705, section 2.1) before they are used.
 *
 * @throws RefusalError (`client-auth`) when a file holds something else, or the key doesn't match the certificate
 */
export function parseClientCertificate(
  certificate: { readonly text: string; readonly what: string },
  key: { readonly text: string; readonly what: string },
): ClientCertificate {
  const privateKey = parsePrivateKey(key.text, key.what)
  const parsed = parseCertificate(certificate.text, certificate.what)
  if (!parsed.checkPrivateKey(privateKey)) {
    throw refuseCredential({
      found: `${key.what} does not match ${lowerFirst(certificate.what)}`,
      remedy: 'replace both when the certificate is renewed',
    })
  }
  return {
    cert: certificate.text,
    key: key.text,
    subject: nameSubject(parsed),
    validFrom: parsed.validFromDate.getTime(),
    validUntil: parsed.validToDate.getTime(),
  }
}

/** Subject and expiry for a message: public, like all of a certificate. */
export function describeCertificate({ subject, validUntil }: ClientCertificate): string {
  return `subject "${subject.slice(0, 200)}", valid until ${showDay(validUntil)}`
}

/** What to do about a certificate that a server refused during the TLS handshake; pure. */
export function findCertificateRemedy({ validFrom, validUntil }: ClientCertificate, now: number): string {
  if (now > validUntil) return 'have its authority renew the certificate, which has expired, and replace both files'
  if (now < validFrom)
    return `wait until ${showDay(validFrom)}, when the certificate becomes valid, or compare the clocks of both machines`
  return 'check that its authority is in the truststore of the identity provider (--truststore-paths of Keycloak), and that the certificate allows client authentication (extendedKeyUsage clientAuth)'
}

function showDay(instant: number): string {
  return new Date(instant).toISOString().slice(0, 10)
}

function parseCertificate(text: string, what: string): X509Certificate {
  if (!text.includes('-----BEGIN CERTIFICATE-----')) {
    throw refuseCredential({
      found: `${what} holds no certificate`,
      remedy: 'provide it as PEM (-----BEGIN CERTIFICATE-----)',
    })
  }
  try {
    return new X509Certificate(text)
  } catch {
    throw unreadablePem(`${what} holds a certificate`, text)
  }
}

/** In reverse order (RFC 4514), with the spaces that Keycloak writes and its regular expressions compare with. */
function nameSubject({ subject }: X509Certificate): string {
  return subject.split('\n').reverse().join(', ')
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1)
}
