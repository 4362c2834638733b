import { articleText } from './article-rows.ts'

const blockRows = 10_000

/** Serializes all rows once. @returns a function for the text of the rows from `start` to `end`, in parts that aren't copied */
export function prepareRows(count: number): (start: number, end: number) => Buffer[] {
  const blocks = Array.from({ length: Math.ceil(count / blockRows) }, (_, index) =>
    prepareBlock(index * blockRows, Math.min(count, (index + 1) * blockRows)),
  )
  return (start, end) => {
    const parts: Buffer[] = []
    for (let at = start; at < end; ) {
      const { first, text, offsets } = blocks[Math.floor(at / blockRows)] ?? prepareBlock(at, end)
      const next = Math.min(end, first + offsets.length - 1)
      // A comma stands before each row.
      parts.push(text.subarray((offsets[at - first] ?? 0) + (at === start ? 1 : 0), offsets[next - first]))
      at = next
    }
    return parts
  }
}

function prepareBlock(first: number, end: number): { first: number; text: Buffer; offsets: Uint32Array } {
  const rows = Array.from({ length: end - first }, (_, index) => `,${articleText(first + index)}`)
  const offsets = new Uint32Array(rows.length + 1)
  for (const [index, row] of rows.entries()) offsets[index + 1] = (offsets[index] ?? 0) + row.length
  return { first, text: Buffer.from(rows.join('')), offsets }
}
