import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Log } from '../log.ts'
import type { OperationDeps } from '../operations/operation.ts'
import type { Operations } from '../operations/registry.ts'
import type { Clock } from '../time/clock.ts'
import type { Access } from './access.ts'
import type { Html } from './html.ts'
import type { AnyPage, PageContent } from './page.ts'
import type { RunLog } from './run-log.ts'
import type { Session } from './session.ts'

export interface DashboardDeps {
  readonly app: Omit<OperationDeps, 'only'>
  readonly operations: Operations
  readonly access: Access
  readonly runLog: RunLog
  readonly log: Log
  readonly clock: Clock
  /** The origin that browsers know, behind a proxy that changes `Host`. */
  readonly publicOrigin?: string | undefined
}

/** What the routes of the dashboard have in common. */
export interface Desk {
  readonly deps: DashboardDeps
  /** @throws NotFoundError, UsageError */
  render(session: Session, address: string): Promise<RenderedPage>
  /** The viewer's session; undefined when the request was answered with the way to log in. */
  letIn(request: FastifyRequest, reply: FastifyReply): Promise<Session | undefined>
  send(reply: FastifyReply, content: SentPage): Promise<FastifyReply>
}

export interface RenderedPage extends PageContent {
  readonly page: AnyPage
  /** Its address without what only this view of it has. */
  readonly here: string
  /** A digest of what the page says. */
  readonly version: string
  readonly notice: Html | undefined
}

export interface SentPage extends PageContent {
  readonly status?: number
  readonly session?: Session | undefined
  /** Its name in the navigation. */
  readonly current?: string
  readonly live?: string
  readonly version?: string
  readonly notice?: Html | undefined
}
