/** What `read` gives, or undefined where it throws: a text in no known form, or a value of a job's author with getters and proxies. */
export function readSafely<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}
