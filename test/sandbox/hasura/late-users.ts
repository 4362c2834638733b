import { literal } from './sql-builder.ts'

/**
 * Users that `refresh_users` has created and that aren't visible yet: an identity provider's user reaches the wiki with a
 * delay. They are here and not in the SQL files, so that a real engine can use those unchanged.
 */
export class LateUsers {
  #delayMs = 0
  readonly #visibleAt = new Map<string, number>()

  setDelay(ms: number): void {
    this.#delayMs = ms
  }

  get isDelaying(): boolean {
    return this.#delayMs > 0
  }

  /** Hides the user; returns a function that undoes this, in case the user isn't created. */
  hide(userId: string): () => void {
    if (this.#visibleAt.has(userId)) return () => {}
    this.#visibleAt.set(userId, Date.now() + this.#delayMs)
    return () => this.#visibleAt.delete(userId)
  }

  /** A condition that holds for the rows that can be read now. */
  condition(table: string, alias: string): string | undefined {
    if (table !== 'users') return undefined
    const late = [...this.#visibleAt].filter(([, at]) => at > Date.now()).map(([id]) => literal(id))
    return late.length === 0 ? undefined : `"${alias}"."id"::text NOT IN (${late.join(', ')})`
  }
}
