/** The row type of the one list that a query selects, at its root or in a namespace. */
export type RowOf<R> = ListOf<NonNullable<R[keyof R]>>

type ListOf<F> = F extends readonly (infer Row)[] ? Row : F extends object ? RowOf<F> : never
