/** What JSON.parse calls for each value (ECMAScript 2026 adds the source of a number). */
export type Reviver = (this: unknown, name: string, value: unknown, context?: { readonly source?: string }) => unknown

/**
 * JSON.parse that is also right about names written with an escape.
 *
 * V8 13.2 and later (Node 24 and 26) compares such a name with an expected one before decoding it. Once an object had the name `\`,
 * an object of the same shape silently gets that name instead of a line feed or a quote (nodejs/node#63785). Names without an escape
 * are always right, so this parses the text with such names and puts the decoded ones in their place.
 *
 * @param revive must not depend on the names: it is given the replaced ones
 * @throws SyntaxError
 */
export function parseJson(text: string, revive?: Reviver): unknown {
  const escaped = findEscapedNames(text)
  if (escaped.length === 0) return JSON.parse(text, revive)
  const names = escaped.map(({ start, end }) => String(JSON.parse(text.slice(start, end))))
  // Nobody who writes a text can know it.
  const mark = crypto.randomUUID()
  let plain = ''
  let from = 0
  for (const [at, { start, end }] of escaped.entries()) {
    plain += `${text.slice(from, start)}"${mark}${at}"`
    from = end
  }
  const value: unknown = JSON.parse(plain + text.slice(from), revive)
  rename(value, name => (name.startsWith(mark) ? names[Number(name.slice(mark.length))] : undefined))
  return value
}

/** @returns undefined for a text that isn't JSON */
export function findJson(text: string, parse: (text: string) => unknown = parseJson): unknown {
  try {
    return parse(text)
  } catch {
    return undefined
  }
}

/** A name with its quotes: from start up to end. */
interface Quoted {
  readonly start: number
  readonly end: number
}

/** Takes linear time. */
function findEscapedNames(text: string): readonly Quoted[] {
  const found: Quoted[] = []
  const beforeValue = /[ \t\r\n]*:/y
  for (let at = text.indexOf('\\'); at !== -1; ) {
    const start = text.lastIndexOf('"', at)
    let end = at
    while (end < text.length && text[end] !== '"') end += text[end] === '\\' ? 2 : 1
    end += 1
    beforeValue.lastIndex = end
    if (start !== -1 && beforeValue.test(text)) found.push({ start, end })
    at = text.indexOf('\\', end)
  }
  return found
}

/** Changes the objects themselves and keeps the order of their names. Not recursive, because nothing limits the nesting. */
function rename(value: unknown, nameOf: (name: string) => string | undefined): void {
  const unseen = [value]
  while (unseen.length > 0) {
    const container = unseen.pop()
    if (typeof container !== 'object' || container === null) continue
    for (const child of Object.values(container)) unseen.push(child)
    const names = Object.keys(container)
    if (names.every(name => nameOf(name) === undefined)) continue
    for (const [name, child] of Object.entries(container)) {
      Reflect.deleteProperty(container, name)
      // Not an assignment, to which "__proto__" would be the prototype.
      Object.defineProperty(container, nameOf(name) ?? name, {
        value: child,
        configurable: true,
        enumerable: true,
        writable: true,
      })
    }
  }
}
