import type { Clock } from '../../src/time/clock.ts'

/** A clock that stands still until it is told otherwise; a pause moves it on at once and is written down. */
export class VirtualClock implements Clock {
  readonly pausesMs: number[] = []
  #now: number
  #correctedMs = 0

  constructor(now = Date.UTC(2026, 10, 1)) {
    this.#now = now
  }

  now(): number {
    return this.#now + this.#correctedMs
  }

  elapsed(): number {
    return this.#now
  }

  /** Somebody corrects the machine's clock. */
  correct(ms: number): void {
    this.#correctedMs += ms
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
