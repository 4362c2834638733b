import type { z } from 'zod'
import type { Reading } from '../operations/operation.ts'
import type { Operations } from '../operations/registry.ts'
import type { Html } from './html.ts'
import type { RunLog } from './run-log.ts'
import type { Viewer } from './viewer.ts'

/** What a page renders from. */
export interface PageContext {
  readonly reading: Reading
  readonly operations: Operations
  readonly viewer: Viewer
  readonly runLog: RunLog
  /** The page's own relative address, to which an action returns. */
  readonly here: string
  readonly now: number
}

export interface PageContent {
  readonly title: string
  readonly main: Html
}

/** One page under `/dashboard/`. */
export interface Page<Query extends z.ZodObject = z.ZodObject> {
  /** Its address; '' is the first page. */
  readonly name: string
  /** In the navigation; absent for a page that only other pages link to. */
  readonly label?: string
  readonly query: Query
  /** @throws NotFoundError, UsageError */
  render(context: PageContext, query: z.output<Query>): Promise<PageContent>
}

/** Any page; its query was parsed by its own schema. */
export interface AnyPage extends Omit<Page, 'render'> {
  render(context: PageContext, query: Record<string, unknown>): Promise<PageContent>
}

/** Infers the type of the query. */
export function definePage<Query extends z.ZodObject>(page: Page<Query>): AnyPage {
  return { ...page, render: (context, query) => page.render(context, page.query.parse(query)) }
}
