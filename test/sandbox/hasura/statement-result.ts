import { z } from 'zod'
import type { Row } from './database.ts'

const resultRow = z.object({ result: z.string().nullable(), violations: z.number().optional() })

/** The JSON text from Postgres, sent unchanged. */
export function resultText(rows: readonly Row[]): string {
  return resultRow.parse(rows[0]).result ?? 'null'
}

export function violations(rows: readonly Row[]): number {
  return resultRow.parse(rows[0]).violations ?? 0
}
