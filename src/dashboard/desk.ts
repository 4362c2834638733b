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

/** What the routes of the dashboard share. */
export interface Desk {
  readonly deps: DashboardDeps
  /** @throws NotFoundError, UsageError */
  render(session: Session, address: string): Promise<RenderedPage>
  /** The viewer's session; undefined if the reply was already sent, as a redirect to the login or a refusal. */
  letIn(request: FastifyRequest, reply: FastifyReply): Promise<Session | undefined>
  send(reply: FastifyReply, content: SentPage): Promise<FastifyReply>
}

export interface RenderedPage extends PageContent {
  readonly page: AnyPage
  /** Its address without what applies to this view only. */
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
