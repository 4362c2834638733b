import type { Readable } from 'node:stream'
import { finished } from 'node:stream/promises'

/** How long the rest of a body may take, and how long it may be, for its connection to be used again. */
const withinMs = 1_000
const mostBytes = 65_536

/** Lets a body pass that nobody wants to read. It doesn't throw, whatever becomes of the body. */
export async function skimBody(body: Readable): Promise<void> {
  let bytes = 0
  body.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes > mostBytes) body.destroy()
  })
  await finished(body, { signal: AbortSignal.timeout(withinMs) }).catch(() => {})
}
