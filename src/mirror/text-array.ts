import { z } from 'zod'
import type { Column } from '../hasura/rows.ts'
import { parseJson } from '../json/parse-json.ts'

/**
 * How a value is converted: to text without quotation marks, to its original JSON (as a `json` column stores it), or to JSON
 * without what `jsonb` refuses.
 */
export type TextForm = 'text' | 'json' | 'jsonb'

/**
 * The values of a column as a `text[]` in the binary format of Postgres (`array_recv` in its
 * `src/backend/utils/adt/arrayfuncs.c`). Nothing needs quoting, and values without escapes are copied from the response.
 *
 * @param column undefined if the column is null in every row
 */
export function textArray(column: Column | undefined, count: number, form: TextForm): Buffer {
  if (count === 0) return integers(0, 0, textType)
  const head = integers(1, 0, textType, count, 1)
  if (!column) return Buffer.concat([head, ...Array.from({ length: count }, () => integers(-1))])
  const { bytes, places, first, step } = column
  const array = Buffer.allocUnsafe(head.length + 4 * count + lengthOf(column, count))
  const view = new DataView(array.buffer, array.byteOffset, array.length)
  let at = head.copy(array)
  for (let row = 0; row < count; row += 1) {
    const start = places[first + row * step] ?? 0
    const end = places[first + row * step + 1] ?? 0
    const letter = bytes[start]
    // Only null starts with this letter.
    if (letter === letterN) {
      view.setInt32(at, -1)
      at += 4
      continue
    }
    const isText = letter === quotationMark && form === 'text'
    const from = isText ? start + 1 : start
    const to = isText ? end - 1 : end
    let written = at + 4
    for (let read = from; read < to; read += 1) {
      const byte = bytes[read] ?? 0
      if (byte === backslash && form !== 'json') {
        written = at + 4 + array.write(isText ? parseText(column.text(row)) : cleanJson(column.text(row)), at + 4)
        break
      }
      array[written] = byte
      written += 1
    }
    view.setInt32(at, written - at - 4)
    at = written
  }
  return array.subarray(0, at)
}

const textType = 25
const quotationMark = 0x22
const backslash = 0x5c
const letterN = 0x6e

function integers(...numbers: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * numbers.length)
  for (const [index, number] of numbers.entries()) bytes.writeInt32BE(number, 4 * index)
  return bytes
}

/** No value is longer than its JSON. */
function lengthOf({ places, first, step }: Column, count: number): number {
  let length = 0
  for (let at = first; at < first + count * step; at += step) length += (places[at + 1] ?? 0) - (places[at] ?? 0)
  return length
}

/*
 * JSON can contain NUL and unpaired surrogates, which Postgres doesn't store in text. They become the replacement character
 * (U+FFFD), so that one odd row doesn't stop its table.
 */

function parseText(json: string): string {
  return z.string().parse(parseJson(json)).replaceAll('\u0000', '\ufffd').toWellFormed()
}

function cleanJson(json: string): string {
  if (!/\\u(?:0000|[dD][89a-fA-F])/.test(json)) return json
  return json.replace(escapes, (found, refused?: string) => (refused === undefined ? found : '\\ufffd'))
}

/** Other escapes and complete pairs stay; the group is what Postgres refuses. */
const escapes =
  /\\[^u]|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(\\u0000|\\u[dD][89a-fA-F][0-9a-fA-F]{2})/g
