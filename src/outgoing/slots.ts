/** Lets so many pieces of work run at a time; the others wait in their order. */
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
      // The slot is handed on, so that nobody who comes meanwhile is faster.
      const next = waiting.shift()
      if (next) next()
      else free += 1
    }
  }
}
