/**
 * A growing list of unsigned 32-bit numbers. A JavaScript array would live on V8's heap, where outgrown copies wait for a full garbage
 * collection: over a million rows that made a process larger by a quarter.
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

  /** The added numbers, followed by unused capacity. */
  get numbers(): Uint32Array {
    return this.#numbers
  }
}
