/** What stands under a name that comes from outside: `constructor`, `__proto__` and such find nothing that is only inherited. */
export function ownValue<T>(values: Readonly<Record<string, T>> | undefined, name: string): T | undefined {
  return values !== undefined && Object.hasOwn(values, name) ? values[name] : undefined
}
