import type { Clock } from '../../src/time/clock.ts'

/** A clock that stands still until it is told otherwise; a pause moves it on at once and is written down. */
export class VirtualClock implements Clock {
  readonly pausesMs: number[] = []
  #now: number

  constructor(now = Date.UTC(2026, 10, 1)) {
    this.#now = now
  }

  now(): number {
    return this.#now
  }

  elapsed(): number {
    return this.#now
  }

  advance(ms: number): void {
    this.#now += ms
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    this.pausesMs.push(ms)
    this.#now += ms
  }
}
