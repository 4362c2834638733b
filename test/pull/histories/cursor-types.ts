/** A cursor in SQL: its value for a row that is written now, the n-th of the history, and for one that was committed late. */
interface CursorType {
  readonly type: string
  /** Equal ones are usual: of the same second, of the same day, or of the same n. */
  readonly now: (n: number) => string
  /** Before all others, and like no other. */
  readonly late: (n: number) => string
}

const instant = 'clock_timestamp()'
const uuidOf = (ms: string) => `(lpad(to_hex((${ms})::bigint), 12, '0') || '70008000' || repeat('0', 12))::uuid`

export const cursorTypes = {
  timestamptz: {
    type: 'timestamptz',
    now: () => `date_trunc('second', ${instant})`,
    late: n => `timestamptz '2020-01-01' + ${n} * interval '1 second'`,
  },
  minute: {
    type: 'timestamp',
    now: () => `date_trunc('minute', ${instant} at time zone 'UTC')`,
    late: n => `timestamp '2020-01-01' + ${n} * interval '1 second'`,
  },
  date: { type: 'date', now: () => `(${instant} at time zone 'UTC')::date`, late: n => `date '2000-01-01' + ${n}` },
  bigint: { type: 'bigint', now: String, late: n => `-${n}` },
  numeric: { type: 'numeric', now: n => `${n} / 8.0`, late: n => `-${n} / 8.0` },
  float8: { type: 'float8', now: n => `${n} * 0.1::float8`, late: n => `-${n} * 0.1::float8` },
  text: { type: 'text', now: n => `'b${padded(n)}'`, late: n => `'a${padded(n)}'` },
  uuid: {
    type: 'uuid',
    now: () => uuidOf(`extract(epoch from ${instant}) * 1000`),
    late: n => uuidOf(`1600000000000 + ${n}`),
  },
} as const satisfies Record<string, CursorType>

export type CursorName = keyof typeof cursorTypes

function padded(n: number): string {
  return String(n).padStart(6, '0')
}
