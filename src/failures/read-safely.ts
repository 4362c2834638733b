/** Reads a value of a job's author, whose getters, proxies and schemas may throw. */
export function readSafely<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}
