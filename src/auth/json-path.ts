/**
 * Parses a JSON path as Hasura's `claims_namespace_path` does: `$` (the root), then `.name`, `['any name']`, `["any name"]` or `[0]`, with
 * `\` before a quote or `\` inside quotes.
 *
 * @returns the names from the root to the value, or undefined for an invalid path
 */
export function parseJsonPath(path: string): readonly string[] | undefined {
  if (!path.startsWith('$')) return undefined
  const names: string[] = []
  step.lastIndex = 1
  while (step.lastIndex < path.length) {
    const match = step.exec(path)
    if (!match) return undefined
    const [, plain, single, double, index] = match
    const quoted = single ?? double
    names.push(plain ?? index ?? (quoted ?? '').replaceAll(/\\(.)/gs, '$1'))
  }
  return names
}

/** The value at a path, or undefined; never an inherited property. */
export function findAtPath(root: unknown, names: readonly string[]): unknown {
  let value = root
  for (const name of names) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
    value = Reflect.get(value, name)
  }
  return value
}

const step = /\.([^.[\]'"\\\s]+)|\.?\['((?:[^'\\]|\\.)*)'\]|\.?\["((?:[^"\\]|\\.)*)"\]|\[(\d+)\]/gsy
