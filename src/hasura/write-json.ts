import { types } from 'node:util'

/** A null, or a value that JSON leaves out, or writes as null or `{}`. */
export interface Loss {
  /** Where it is, such as `['where', 'id', '_eq']`. */
  readonly path: readonly string[]
  readonly value: unknown
  /** The object or list that holds it. */
  readonly holder: object
}

/**
 * Writes JSON like JSON.stringify, which drops values without a word.
 *
 * @param onLoss is called with each of them, and may throw
 */
export function writeJson(given: unknown, onLoss: (loss: Loss) => void): string {
  const paths = new Map<unknown, readonly string[]>()
  return JSON.stringify(given, function (this: object, name: string, value: unknown) {
    const above = paths.get(this)
    const path = () => (above ? [...above, name] : [])
    if (value === null || isLost(value)) {
      // An invalid date writes itself as null.
      const written: unknown = Reflect.get(this, name)
      onLoss({ path: path(), value: written instanceof Date ? written : value, holder: this })
    }
    if (typeof value === 'object') paths.set(value, path())
    return value
  })
}

function isLost(value: unknown): boolean {
  if (typeof value === 'number') return !Number.isFinite(value)
  if (typeof value !== 'object') return ['undefined', 'function', 'symbol'].includes(typeof value)
  return value !== null && !isPlain(value) && !types.isBoxedPrimitive(value) && Object.keys(value).length === 0
}

/** A list, or what `{}` makes: a Map, a Set or a Promise has a prototype with another behind it. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return Array.isArray(value) || prototype === null || Object.getPrototypeOf(prototype) === null
}
