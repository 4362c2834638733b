import type { Effect, FoundBy } from './source.ts'

/** What one account's mirror may not have yet. */
export class AccountState {
  /** Rows that differ, or may, until something finds them. */
  readonly #differing = new Map<string, Exclude<FoundBy, 'scan'>>()
  /** A run for a subscription takes a page that is shorter than earlier ones as the last, until a scan has met the new limit. */
  #knowsLimit = true
  /** Rows that were written while the account's run was reading. */
  readonly #meanwhile = new Set<string>()

  add({ key, foundBy }: Effect, isReading: boolean): void {
    if (isReading) this.#meanwhile.add(key)
    if (foundBy === 'scan') this.#differing.delete(key)
    else this.#differing.set(key, foundBy)
  }

  /** After a run that has found these, and everything that scans find. */
  found(by: readonly FoundBy[]): void {
    for (const [key, foundBy] of this.#differing) {
      if (by.includes(foundBy) && !this.#meanwhile.has(key)) this.#differing.delete(key)
    }
  }

  /** Whether the mirror should have the row as it is in the source, or not have it as the source doesn't. */
  isSettled(key: string): boolean {
    return !this.#differing.has(key) && !this.#meanwhile.has(key)
  }

  changeLimit(): void {
    this.#knowsLimit = false
  }

  /** Whether runs for subscriptions read all that is new. */
  get knowsLimit(): boolean {
    return this.#knowsLimit
  }

  meetLimit(): void {
    this.#knowsLimit = true
  }

  readKeys(keys: readonly string[]): void {
    for (const key of keys) if (!this.#meanwhile.has(key)) this.#differing.delete(key)
  }

  endRun(): void {
    this.#meanwhile.clear()
  }
}
