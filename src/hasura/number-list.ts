/**
 * Numbers of 32 bits without sign, to which more are added. A JavaScript array of as many lives on V8's heap, where each that
 * was outgrown or outlived waits for a full collection: over a million rows it made a process larger by a quarter.
 */
export class NumberList {
  length = 0
  #numbers = new Uint32Array(1_024)

  push(number: number): void {
    if (this.length === this.#numbers.length) {
      const larger = new Uint32Array(2 * this.length)
      larger.set(this.#numbers)
      this.#numbers = larger
    }
    this.#numbers[this.length] = number
    this.length += 1
  }

  /** Those that were added, and behind them some that weren't. */
  get numbers(): Uint32Array {
    return this.#numbers
  }
}
