import { ClientError } from './client-error.ts'
import { findText, isObject } from './read-body.ts'

export type RequestState = 'waiting' | 'running' | 'done' | 'failed' | 'cancelled'

/** What was accepted. */
export interface Accepted {
  readonly id: string
  /** An equal request waited already, and does this one's work. */
  readonly absorbed: boolean
}

export interface Progress {
  readonly done: number
  /** Absent where the API doesn't tell how many there are. */
  readonly total?: number
}

/** How a request stands. The worker may say more, under names of its own. */
export interface RequestReport {
  readonly id: string
  readonly state: RequestState
  /** Why it isn't running yet, as a sentence. */
  readonly waitsFor?: string
  readonly failedReason?: string
  readonly progress?: Progress
  readonly [more: string]: unknown
}

export function hasEnded({ state }: RequestReport): boolean {
  return state !== 'waiting' && state !== 'running'
}

/** @throws ClientError `unavailable` */
export function parseAccepted(body: Readonly<Record<string, unknown>>): Accepted {
  const id = findText(body, 'id')
  if (id === undefined) throw unreadable()
  return { id, absorbed: body.absorbed === true }
}

/** @throws ClientError `unavailable` */
export function parseReport(body: Readonly<Record<string, unknown>>): RequestReport {
  const { id, state, progress, waitsFor, failedReason, ...more } = body
  if (typeof id !== 'string' || !isState(state)) throw unreadable()
  return {
    ...more,
    id,
    state,
    ...(typeof waitsFor === 'string' && { waitsFor }),
    ...(typeof failedReason === 'string' && { failedReason }),
    ...(isProgress(progress) && { progress }),
  }
}

function isState(value: unknown): value is RequestState {
  return typeof value === 'string' && ['waiting', 'running', 'done', 'failed', 'cancelled'].includes(value)
}

function isProgress(value: unknown): value is Progress {
  return isObject(value) && typeof value.done === 'number' && ['number', 'undefined'].includes(typeof value.total)
}

function unreadable(): ClientError {
  return new ClientError('unavailable', 'The worker answered with something that is no request: is the URL right?')
}
