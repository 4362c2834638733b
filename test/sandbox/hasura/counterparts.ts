/** Parts of a schema by name; another schema may have them in another case: `order_by` and `orderBy`, `asc` and `ASC`. */
export class Counterparts<T> {
  readonly #exact: ReadonlyMap<string, T>
  readonly #folded: ReadonlyMap<string, T>
  constructor(named: readonly (readonly [string, T])[]) {
    this.#exact = new Map(named)
    this.#folded = new Map(named.map(([name, part]) => [fold(name), part]))
  }

  find(name: string): T | undefined {
    return this.#exact.get(name) ?? this.#folded.get(fold(name))
  }
}

/** Each that has a counterpart, with it. */
export function pair<T extends { readonly name: string }>(shown: readonly T[], own: readonly T[]): (readonly [T, T])[] {
  const counterparts = new Counterparts(own.map(each => [each.name, each]))
  return shown.flatMap(each => {
    const counterpart = counterparts.find(each.name)
    return counterpart ? [[each, counterpart] as const] : []
  })
}

export const isSameName = (a: string, b: string) => fold(a) === fold(b)

const fold = (name: string) => name.replaceAll('_', '').toLowerCase()
