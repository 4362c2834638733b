import { UsageError } from '../../errors.ts'
import type { OperationDeps } from '../../operations/operation.ts'
import type { Html } from '../html.ts'
import type { PageContext } from '../page.ts'
import type { Wanted } from '../wanted.ts'

/** What an action works with. */
export interface ActionContext extends Pick<PageContext, 'operations' | 'viewer'> {
  readonly reading: OperationDeps
  readonly signal: AbortSignal
}

/** What would be changed. */
export interface Preview {
  readonly total: number
  /** In the plural. */
  readonly unit: string
  /** A few of them. */
  readonly sample: readonly string[]
  /** Describes them, if names alone don't. */
  readonly detail?: Html
  /** The newest one: later ones are excluded. */
  readonly upTo?: string | undefined
}

export interface Action {
  /** As a person reads it: "Retry". */
  readonly title: string
  /** What it does, for the preview. */
  readonly does: string
  /** Can't be undone. */
  readonly isGrave?: true
  preview(context: ActionContext, wanted: Wanted): Promise<Preview>
  /** @returns how many were changed */
  carry(context: ActionContext, wanted: Wanted): Promise<number>
}

/** The caller of requests made by a viewer without a token. */
export const dashboard = 'dashboard'

export function callOf({ caller }: PageContext['viewer']): { caller?: string } {
  return caller === undefined ? {} : { caller }
}

export interface LineOf {
  readonly account: string
  readonly job: string
}

/** Makes a request with high priority for a line, by the viewer. */
export async function makeRequest({ operations, viewer }: ActionContext, line: LineOf, payload: object): Promise<void> {
  await operations.makeRequest(
    { ...line, payload, priority: 'high', trigger: 'http', caller: dashboard },
    callOf(viewer),
  )
}

/** Previews lines, or holds, whose job may be '' for every job. */
export function previewLines(found: readonly LineOf[], unit: string): Preview {
  return { total: found.length, unit, sample: found.slice(0, 10).map(sayLine) }
}

function sayLine({ account, job }: LineOf): string {
  return `${account} · ${job === '' ? 'every job' : job}`
}

/** A lost filter must not mean everything. */
export function requireFilter({ account, job, state }: Wanted): void {
  if (account !== undefined || job !== undefined || state !== undefined) return
  throw new UsageError({ found: 'No filter says which are meant', remedy: 'give an account, a job or a state' })
}

/** @returns the newest that the preview found */
export function requirePreview({ upTo }: Wanted): string {
  if (upTo !== undefined) return upTo
  throw new UsageError({
    found: 'The preview is missing',
    remedy: 'go back, and look at what would be changed first',
  })
}

/** Concurrent changes: enough to share exchanges, few enough to leave connections to others. */
const atOnce = 100

export async function inBatches<T>(
  all: readonly T[],
  signal: AbortSignal,
  work: (one: T) => Promise<unknown>,
): Promise<void> {
  for (let at = 0; at < all.length; at += atOnce) {
    signal.throwIfAborted()
    await Promise.all(all.slice(at, at + atOnce).map(work))
  }
}
