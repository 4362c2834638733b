/** Looks up a name from outside; inherited properties such as `constructor` and `__proto__` are not found. */
export function ownValue<T>(values: Readonly<Record<string, T>> | undefined, name: string): T | undefined {
  return values !== undefined && Object.hasOwn(values, name) ? values[name] : undefined
}
