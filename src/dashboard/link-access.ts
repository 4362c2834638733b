import { hash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Clock } from '../time/clock.ts'
import type { Access } from './access.ts'
import { createCookies, openSession } from './session.ts'
import { rights, type Viewer } from './viewer.ts'

/** Anyone who can read the worker's terminal may do everything. */
const holder: Viewer = { name: 'whoever has the link', rights: [...rights] }
/** A working day; a restarted worker begins new sessions. */
const sessionMs = 12 * 60 * 60_000

export interface LinkAccess extends Access {
  /** A path that works once; it replaces the previous one. */
  makeLink(): string
  /** Called when the link has been used. */
  onUse(listener: () => void): void
}

/**
 * Lets in whoever first opens the link printed at start, for a worker that listens on loopback only.
 *
 * @param port tells the cookies of several workers on one machine apart
 */
export function createLinkAccess(port: number, clock: Pick<Clock, 'now'>): LinkAccess {
  const settings = { name: `hasura-sync-worker-${port}`, path: '/', isSecure: false }
  const cookies = createCookies(randomBytes(32), settings, clock)
  let expected: Buffer | undefined
  let used = () => {}
  return {
    find: header => openSession(cookies, header),
    loginOf: () => undefined,
    end: cookies.drop('session'),
    logoutUrl: undefined,
    origins: [],
    onUse(listener) {
      used = listener
    },
    makeLink() {
      const token = randomBytes(32).toString('base64url')
      expected = hash('sha256', token, 'buffer')
      return `/dashboard/enter?token=${token}`
    },
    addRoutes(app) {
      app.get<{ Querystring: { token?: unknown } }>('/enter', async ({ query, headers }, reply) => {
        const isRight =
          expected !== undefined && timingSafeEqual(expected, hash('sha256', String(query.token ?? ''), 'buffer'))
        if (isRight) {
          expected = undefined
          used()
          reply.header('set-cookie', await cookies.seal('session', { viewer: holder }, clock.now() + sessionMs))
        } else if (!(await openSession(cookies, headers.cookie))) {
          return reply.redirect('login', 303)
        }
        return reply.redirect('./', 303)
      })
    },
  }
}
