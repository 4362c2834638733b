import { EncryptJWT, jwtDecrypt } from 'jose'
import { z } from 'zod'
import type { Clock } from '../time/clock.ts'
import { type Viewer, viewerSchema } from './viewer.ts'

/** A viewer's session: the content of an encrypted cookie, so no process has to store it. */
export interface Session {
  readonly viewer: Viewer
  /** Milliseconds since 1970. */
  readonly expiresAt: number
}

export interface CookieSettings {
  readonly name: string
  readonly path: string
  /** Sent only over https. */
  readonly isSecure: boolean
}

/** Seals values into cookies that only this worker can read: a JWE with `dir` and A256GCM (RFC 7516, RFC 7518 section 4.5). */
export function createCookies(key: Uint8Array, settings: CookieSettings, clock: Pick<Clock, 'now'>) {
  const write = (name: string, value: string, maxAgeSeconds: number): string =>
    [
      `${name}=${value}`,
      `Path=${settings.path}`,
      `Max-Age=${maxAgeSeconds}`,
      'HttpOnly',
      'SameSite=Lax',
      ...(settings.isSecure ? ['Secure'] : []),
    ].join('; ')
  const nameOf = (purpose: string) => (purpose === 'session' ? settings.name : `${settings.name}-${purpose}`)
  return {
    /** @returns the header `Set-Cookie`; the value is valid only until it expires, and only for this purpose */
    async seal(purpose: string, value: Readonly<Record<string, unknown>>, expiresAt: number): Promise<string> {
      const seconds = Math.max(0, Math.floor((expiresAt - clock.now()) / 1_000))
      const sealed = await new EncryptJWT({ ...value })
        .setProtectedHeader({ alg: 'dir', enc: 'A256GCM' })
        .setAudience(purpose)
        .setExpirationTime(Math.floor(expiresAt / 1_000))
        .encrypt(key)
      return write(nameOf(purpose), sealed, seconds)
    },
    /** @returns undefined when there is none, or when it isn't ours, has expired or was sealed for another purpose */
    async open(purpose: string, header: string | undefined): Promise<Readonly<Record<string, unknown>> | undefined> {
      const sealed = findCookie(header, nameOf(purpose))
      if (sealed === undefined) return undefined
      try {
        const options = { audience: purpose, currentDate: new Date(clock.now()), requiredClaims: ['exp'] }
        return (await jwtDecrypt(sealed, key, options)).payload
      } catch {
        return undefined
      }
    },
    drop: (purpose: string): string => write(nameOf(purpose), '', 0),
  }
}

export type Cookies = ReturnType<typeof createCookies>

const sessionSchema = z.object({ viewer: viewerSchema, exp: z.number() })

export async function openSession(cookies: Cookies, header: string | undefined): Promise<Session | undefined> {
  const { data } = sessionSchema.safeParse(await cookies.open('session', header))
  return data && { viewer: data.viewer, expiresAt: data.exp * 1_000 }
}

/** RFC 6265, section 5.4. */
function findCookie(header: string | undefined, name: string): string | undefined {
  const pairs = (header ?? '').split(';').map(pair => pair.trim())
  return pairs.find(pair => pair.startsWith(`${name}=`))?.slice(name.length + 1)
}
