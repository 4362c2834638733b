/** Collects the parameters of one statement, and gives out aliases. */
export class SqlBuilder {
  readonly params: string[] = []
  #aliases = 0

  alias(): string {
    this.#aliases += 1
    return `t${this.#aliases}`
  }

  /**
   * A value as Postgres reads it from text. Always sent as text and cast there, so that what JavaScript can't hold
   * arrives whole and Postgres itself says what is wrong with it.
   */
  value(text: string | null, type: string): string {
    if (text === null) return `NULL::${identifier(type)}`
    return `(${this.#text(text)})::${identifier(type)}`
  }

  /** The protocol counts parameters in 16 bits; a large insert uses literals for the rest. */
  #text(text: string): string {
    if (this.params.length >= maxParams) return `${literal(text)}::text`
    this.params.push(text)
    return `$${this.params.length}::text`
  }
}

const maxParams = 1000

export const identifier = (name: string) => `"${name.replaceAll('"', '""')}"`
export const literal = (text: string) => `'${text.replaceAll("'", "''")}'`
export const tableName = (name: string) => `"public".${identifier(name)}`
export const columnOf = (alias: string, column: string) => `${identifier(alias)}.${identifier(column)}`
