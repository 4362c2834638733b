import { X509Certificate } from 'node:crypto'
import { parsePrivateKey } from './private-key.ts'
import { refuseCredential } from './refuse-credential.ts'

/** A certificate with its key, for TLS. */
export interface ClientCertificate {
  /** PEM. */
  readonly cert: string
  /** PEM. */
  readonly key: string
  /** Whom it names and until when, for a sentence: public, as all of a certificate. */
  readonly description: string
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
    throw refuseCredential(
      `${key.what} and ${lowerFirst(certificate.what)} don't belong together: replace both when the certificate is renewed`,
    )
  }
  return { cert: certificate.text, key: key.text, description: describe(parsed) }
}

function parseCertificate(text: string, what: string): X509Certificate {
  if (!text.includes('-----BEGIN CERTIFICATE-----')) {
    throw refuseCredential(`${what} holds no certificate: give it as PEM (-----BEGIN CERTIFICATE-----)`)
  }
  try {
    return new X509Certificate(text)
  } catch {
    throw refuseCredential(`${what} holds a certificate that can't be read: copy it again, complete and unchanged`)
  }
}

function describe({ subject, validToDate }: X509Certificate): string {
  // As Keycloak wants it under Subject DN: from the last name to the first (RFC 4514), and with the space where that is a
  // regular expression.
  const name = subject.split('\n').reverse().join(', ').slice(0, 200)
  return `subject "${name}", valid until ${validToDate.toISOString().slice(0, 10)}`
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1)
}
