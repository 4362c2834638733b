import { ConfigError, ConflictError, NotFoundError, RefusalError, UsageError } from '../errors.ts'

/** 0 done · 1 failed · 2 wrong usage or configuration · 3 refused by the gate. */
export function exitCodeOf(error: unknown): 1 | 2 | 3 {
  if (error instanceof RefusalError) return 3
  const isTheCallers =
    error instanceof UsageError ||
    error instanceof ConfigError ||
    error instanceof NotFoundError ||
    error instanceof ConflictError
  return isTheCallers ? 2 : 1
}
