import { X509Certificate } from 'node:crypto'
import { parsePrivateKey } from './private-key.ts'
import { refuseCredential } from './refuse-credential.ts'

/** A certificate with its key, for TLS. */
export interface ClientCertificate {
  /** PEM. */
  readonly cert: string
  /** PEM. */
  readonly key: string
  /** Whom it names, as Keycloak wants it under Subject DN. */
  readonly subject: string
  /** Milliseconds since 1970, as the next. */
  readonly validFrom: number
  readonly validUntil: number
}

/**
 * Checks a certificate and its key (RFC 8705, section 2.1) before they are used.
 *
 * @throws RefusalError (`client-auth`) when one of the files holds something else, or they don't belong together
 */
export function parseClientCertificate(
  certificate: { readonly text: string; readonly what: string },
  key: { readonly text: string; readonly what: string },
): ClientCertificate {
  const privateKey = parsePrivateKey(key.text, key.what)
  const parsed = parseCertificate(certificate.text, certificate.what)
  if (!parsed.checkPrivateKey(privateKey)) {
    throw refuseCredential({
      found: `${key.what} and ${lowerFirst(certificate.what)} don't belong together`,
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

/** Whom it names and until when, for a sentence: public, as all of a certificate. */
export function describeCertificate({ subject, validUntil }: ClientCertificate): string {
  return `subject "${subject.slice(0, 200)}", valid until ${showDay(validUntil)}`
}

/** What to do about a certificate that a server refused before it said a word of HTTP; pure. */
export function findCertificateRemedy({ validFrom, validUntil }: ClientCertificate, now: number): string {
  if (now > validUntil) return 'it has expired, so have its authority renew it and replace both files'
  if (now < validFrom)
    return `it is not valid before ${showDay(validFrom)}, so wait for that day or compare the clocks of both machines`
  return 'check that its authority is in the truststore of the identity provider (--truststore-paths of Keycloak), and that it is meant for clients (extendedKeyUsage clientAuth)'
}

function showDay(instant: number): string {
  return new Date(instant).toISOString().slice(0, 10)
}

function parseCertificate(text: string, what: string): X509Certificate {
  if (!text.includes('-----BEGIN CERTIFICATE-----')) {
    throw refuseCredential({
      found: `${what} holds no certificate`,
      remedy: 'give it as PEM (-----BEGIN CERTIFICATE-----)',
    })
  }
  try {
    return new X509Certificate(text)
  } catch {
    throw refuseCredential({
      found: `${what} holds a certificate that can't be read`,
      remedy: 'copy it again, complete and unchanged',
    })
  }
}

/** From the last name to the first (RFC 4514), and with the space that Keycloak writes where it compares by an expression. */
function nameSubject({ subject }: X509Certificate): string {
  return subject.split('\n').reverse().join(', ')
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1)
}
