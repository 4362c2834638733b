// What GraphQL's types can't say about an input position and Hasura still insists on. An optional argument is nullable
// to GraphQL, but `{ id: { _eq: null } }` is refused: left out and null differ.

export interface InputHints {
  /** null may be given, and means what leaving it out means (or NULL, for a column). */
  readonly acceptsNull?: boolean
  /** The position holds a column's value: read by the rules of its Postgres type. */
  readonly column?: string
  /** An argument called Int that isn't quite one. */
  readonly int?: 'non-negative' | 'big'
}

/** graphql-js leaves `extensions` open, so it is read back key by key. */
export function hintsOf(position: { extensions: Readonly<Record<string, unknown>> }): InputHints {
  const { acceptsNull, column, int } = position.extensions
  return {
    acceptsNull: acceptsNull === true,
    ...(typeof column === 'string' && { column }),
    ...((int === 'non-negative' || int === 'big') && { int }),
  }
}

interface Named {
  readonly name: string
  readonly extensions: Readonly<Record<string, unknown>>
}

/** What the sandbox calls a part of the schema, which may show it by another name. */
export function ownNameOf({ name, extensions }: Named): string {
  return typeof extensions.ownName === 'string' ? extensions.ownName : name
}

/** The extensions of what stands for a part of another schema. */
export function withOwnName({ name, extensions }: Named): Record<string, unknown> {
  return { ...extensions, ownName: name }
}

export function withHints<T extends object>(config: T, hints: InputHints): T & { extensions: Record<string, unknown> } {
  return { ...config, extensions: { ...hints } }
}
