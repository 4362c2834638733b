import { literal } from './sql-builder.ts'

/**
 * Users that `refresh_users` has made and that can't be read yet: an identity provider's user reaches the wiki with a
 * delay. Kept here and not in the SQL files, which a real engine shall be able to hold as they are.
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

  /** Hides the user from now on; returns what takes it back, should the user not be made after all. */
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
