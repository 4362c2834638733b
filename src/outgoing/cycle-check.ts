/**
 * Finds a cycle of any length in constant memory: one value is marked while ever longer stretches are walked (R. P. Brent, "An
 * improved Monte Carlo factorization algorithm", 1980).
 */
export class CycleCheck {
  #before: string | undefined
  #mark: string | undefined
  #walked = 0
  #stretch = 1

  /** @returns whether it equals the previous or the marked value; in a cycle, some values do again and again */
  meets(value: string): boolean {
    if (value === this.#before || value === this.#mark) return true
    this.#before = value
    this.#walked += 1
    if (this.#walked === this.#stretch) {
      this.#mark = value
      this.#walked = 0
      this.#stretch *= 2
    }
    return false
  }
}
