import type { FastifyInstance } from 'fastify'
import type { Session } from './session.ts'

/** How viewers authenticate. */
export interface Access {
  /** The session that the request's cookies hold. */
  find(cookieHeader: string | undefined): Promise<Session | undefined>
  /** Where a viewer without a session is sent, to return to `page`; undefined if only a link lets in. */
  loginOf(page: string): string | undefined
  /** The header `Set-Cookie` that ends a session. */
  readonly end: string
  /** Where else a viewer logs out. */
  readonly logoutUrl: string | undefined
  /** Origins to which the login or the logout leads. */
  readonly origins: readonly string[]
  /** The routes of the login. */
  addRoutes(app: FastifyInstance): void
}

/** A page to return to: a name and its query, never another site. */
export function localPage(wanted: unknown): string {
  return typeof wanted === 'string' && wanted.length <= 1_000 && /^[a-z-]*(\?[\x21-\x7e]*)?$/.test(wanted)
    ? wanted || './'
    : './'
}
