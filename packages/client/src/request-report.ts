import { ClientError } from './client-error.ts'
import { findText, isObject } from './read-body.ts'

export type RequestState = 'waiting' | 'running' | 'done' | 'failed' | 'cancelled'

/** An accepted request. */
export interface Accepted {
  readonly id: string
  /** An equal request was already waiting, and runs for this one too. */
  readonly absorbed: boolean
}

export interface Progress {
  readonly done: number
  /** Absent if the API doesn't give a count. */
  readonly total?: number
}

/** A request's state. The worker may send more fields. */
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
  return new ClientError('unavailable', 'The worker did not answer with a request: check the URL')
}
