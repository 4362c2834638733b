/** The row type of the only list that a query selects, at its root or in a namespace. */
export type RowOf<R> = ListOf<NonNullable<R[keyof R]>>

type ListOf<F> = F extends readonly (infer Row)[] ? Row : F extends object ? RowOf<F> : never

/** The name of that list: `articles`. */
export type ListNameOf<R> = { [F in keyof R & string]-?: NameAt<F, NonNullable<R[F]>> }[keyof R & string]

type NameAt<F, Selected> = Selected extends readonly unknown[]
  ? F
  : Selected extends object
    ? ListNameOf<Selected>
    : never
