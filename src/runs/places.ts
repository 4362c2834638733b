/** How many runs of each account are going in this process. */
export interface Places {
  /** Takes a place; false when the account has all that it may have. */
  take(account: string, max: number): boolean
  leave(account: string): void
}

export function createPlaces(): Places {
  const taken = new Map<string, number>()
  return {
    take(account, max) {
      const count = taken.get(account) ?? 0
      if (count >= max) return false
      taken.set(account, count + 1)
      return true
    },
    leave(account) {
      const count = (taken.get(account) ?? 0) - 1
      if (count > 0) taken.set(account, count)
      else taken.delete(account)
    },
  }
}
