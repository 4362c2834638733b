/** Runs a limited number of tasks concurrently; the others wait in order. */
export type Slots = <T>(work: () => Promise<T>) => Promise<T>

export function createSlots(count: number): Slots {
  let free = count
  const waiting: (() => void)[] = []
  return async work => {
    if (free > 0) free -= 1
    else await new Promise<void>(resolve => waiting.push(resolve))
    try {
      return await work()
    } finally {
      // The slot is handed over, so that no later task can take it first.
      const next = waiting.shift()
      if (next) next()
      else free += 1
    }
  }
}
