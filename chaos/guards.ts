import { z } from 'zod'

/** How often each guard fired. */
export class Counts {
  readonly #counts = new Map<string, number>()

  add(name: string, times = 1): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + times)
  }

  get(name: string): number {
    return this.#counts.get(name) ?? 0
  }

  entries(): readonly (readonly [name: string, times: number])[] {
    return [...this.#counts].sort(([a], [b]) => a.localeCompare(b))
  }
}

const guardLine = z.object({ guard: z.string() })

/** The guard that a line of the worker's log reports. */
export function guardOf(line: string): string | undefined {
  if (!line.includes('"guard"')) return undefined
  try {
    return guardLine.safeParse(JSON.parse(line)).data?.guard
  } catch {
    return undefined
  }
}
