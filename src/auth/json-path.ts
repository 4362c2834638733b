/**
 * Parses a JSON path as Hasura's `claims_namespace_path` does (`Data.Parser.JSONPath`): `$` (the root), then `.name`, `['any name']`,
 * `["any name"]` or `[0]`, with JSON's escapes inside quotes. As there, `$` and the dots may be left out: `hasura.claims`.
 *
 * @returns the names from the root to the value, or undefined for an invalid path
 */
export function parseJsonPath(path: string): readonly string[] | undefined {
  if (path === '') return undefined
  const names: string[] = []
  step.lastIndex = path.startsWith('$') ? 1 : 0
  while (step.lastIndex < path.length) {
    const match = step.exec(path)
    if (!match) return undefined
    const [, plain, single, double, index] = match
    names.push(plain ?? index ?? decodeQuoted(single ?? double ?? ''))
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

/** More than JSON's: Hasura also takes `\'` for a quote. */
function decodeQuoted(quoted: string): string {
  return quoted.replaceAll(/\\(?:u([\da-fA-F]{4})|(.))/gs, (_, code: string | undefined, character = '') =>
    code === undefined ? (controls[character] ?? character) : String.fromCharCode(Number.parseInt(code, 16)),
  )
}

const controls: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' }

const step = /\.?([^$.[\]'"\\\s]+)|\.?\['((?:[^'\\]|\\.)*)'\]|\.?\["((?:[^"\\]|\\.)*)"\]|\[(\d+)\]/gsy
