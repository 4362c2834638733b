import { hash } from 'node:crypto'
import { z } from 'zod'
import { PermanentError } from '../errors.ts'
import { CycleCheck } from '../outgoing/cycle-check.ts'

/** Ten million items at a hundred each. */
const mostPages = 100_000

/** An item inserted before those already read shifts them all, so a correct page may repeat now and then. */
const mostRepetitions = 10

/** While a list grows at its front, its last item may be a page of its own again and again. */
const weightAlone = 0.1

/** Stops reading a list whose pages would never end. */
export class PageCheck {
  readonly #path: string
  readonly #contents = new CycleCheck()
  #pages = 0
  #repetitions = 0

  constructor(path: string) {
    this.#path = path
  }

  /**
   * The schema of a page's items. It checks each raw page, because two pages may differ only in fields that the items' own schema
   * omits. Its parsing throws PermanentError (`endless`).
   */
  list<T>(item: z.ZodType<T>): z.ZodType<T[]> {
    return z.preprocess(items => {
      this.#accept(items)
      return items
    }, z.array(item))
  }

  #accept(items: unknown): void {
    this.#pages += 1
    if (this.#pages > mostPages) {
      throw new PermanentError('endless', {
        found: `GET ${this.#path} returned ${mostPages} pages without an end`,
        remedy:
          'check that the list ends; if it really is this long, request more items per page or resume with "from"',
      })
    }
    if (!Array.isArray(items)) return
    const texts = items.map(item => JSON.stringify(item))
    const isAlone = texts.length === 1
    // The pages of a list of equal items are equal.
    if (!isAlone && new Set(texts).size < 2) return
    if (this.#contents.meets(hash('sha256', texts.join(), 'base64'))) {
      this.#repetitions += isAlone ? weightAlone : 1
    }
    if (this.#repetitions > mostRepetitions) {
      throw new PermanentError('endless', {
        found: `GET ${this.#path} returned the same pages again and again, so the list would never end`,
        remedy: 'check that the API understands the query for the next page, and that no cache answers for it',
      })
    }
  }
}

/** @throws PermanentError (`page-size`) if the API ignores how many items were requested: it would return the same whole list each time */
export function requirePage(path: string, items: readonly unknown[], most: number): void {
  if (items.length <= most) return
  throw new PermanentError(
    'page-size',
    `GET ${path} returned ${items.length} items where ${most} were requested, so it has no pages`,
  )
}
