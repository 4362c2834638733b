import type { Readable } from 'node:stream'
import { promisify } from 'node:util'
import { brotliDecompress, gunzip, inflate, inflateRaw, type ZlibOptions } from 'node:zlib'

/** A body exceeded its limit, as received or decompressed. */
export class BodyTooLargeError extends Error {}

/** A response started but can't be read; `code`, or that of `cause`, says why. */
export class BrokenAnswerError extends Error {
  readonly code: string | undefined

  constructor(code: 'UNKNOWN_CONTENT_ENCODING' | 'BROKEN_COMPRESSION' | undefined, options?: ErrorOptions) {
    super('The response cannot be read', options)
    this.code = code
  }
}

/** The `Accept-Encoding` of a request. */
export const acceptedEncodings = 'gzip, br'

/** The headers that describe a response's body (RFC 9110, sections 8.4 and 8.6). */
export interface BodyHeaders {
  readonly 'content-encoding'?: string | readonly string[] | undefined
  readonly 'content-length'?: string | readonly string[] | undefined
}

/**
 * Reads a body to its end and decompresses it, neither beyond `maxBytes`. When it throws, the body may still be open.
 *
 * @throws BodyTooLargeError, BrokenAnswerError
 */
export async function readBody(body: Readable, headers: BodyHeaders, maxBytes: number): Promise<Buffer<ArrayBuffer>> {
  const decode = findDecoder(headers['content-encoding'])
  if (Number(headers['content-length']) > maxBytes) throw new BodyTooLargeError()
  const content = await collect(body, maxBytes)
  return decode && content.length > 0 ? await decompress(decode, content, maxBytes) : content
}

async function collect(body: Readable, maxBytes: number): Promise<Buffer<ArrayBuffer>> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  try {
    for await (const chunk of body) {
      if (!(chunk instanceof Uint8Array)) throw new TypeError('A body is read as bytes')
      bytes += chunk.byteLength
      if (bytes > maxBytes) throw new BodyTooLargeError()
      chunks.push(chunk)
    }
  } catch (error) {
    if (error instanceof BodyTooLargeError) throw error
    throw new BrokenAnswerError(undefined, { cause: error })
  }
  return Buffer.concat(chunks)
}

const unzip = promisify(gunzip)
const decoders = new Map<string, Decoder>([
  ['gzip', unzip],
  ['x-gzip', unzip],
  ['deflate', inflateEither],
  ['br', promisify(brotliDecompress)],
])

type Decoder = (content: Buffer, limits: ZlibOptions) => Promise<Buffer<ArrayBuffer>>

/** Codings that change the bytes (IANA, "HTTP Content Coding Registry") and that requests don't accept. */
const unwanted: ReadonlySet<string> = new Set([
  'aes128gcm',
  'compress',
  'dcb',
  'dcz',
  'exi',
  'pack200-gzip',
  'x-compress',
  'zstd',
])

/**
 * How a body is coded. A name that isn't a registered coding, such as `utf-8` or `none`, means an unchanged body, as in browsers.
 *
 * @returns undefined for an unchanged body
 */
export function findCodings(encoding: BodyHeaders['content-encoding']): readonly string[] | undefined {
  const names = [encoding ?? ''].flat().join(',').toLowerCase().split(',')
  const codings = names.map(name => name.trim()).filter(name => decoders.has(name) || unwanted.has(name))
  return codings.length > 0 ? codings : undefined
}

/** At most one coding: no server needs several, and each multiplies the cost of a received byte. */
function findDecoder(encoding: BodyHeaders['content-encoding']): Decoder | undefined {
  const codings = findCodings(encoding)
  if (!codings) return undefined
  const [only = '', ...more] = codings
  const decoder = more.length === 0 ? decoders.get(only) : undefined
  if (decoder) return decoder
  throw new BrokenAnswerError('UNKNOWN_CONTENT_ENCODING')
}

/** Some servers omit the zlib header (RFC 9110, section 8.4.1.2, note); no stream without it starts like one (RFC 1950, 2.2). */
function inflateEither(content: Buffer, options: ZlibOptions): Promise<Buffer<ArrayBuffer>> {
  const [method = 0, flags = 0] = content
  const hasHeader = (method & 15) === 8 && (method * 256 + flags) % 31 === 0
  return (hasHeader ? inflateWrapped : inflateBare)(content, options)
}

const inflateWrapped = promisify(inflate)
const inflateBare = promisify(inflateRaw)

/** Larger than Node's 16 KB, because each chunk is a round trip to another thread. */
const chunkSize = 256 * 1024

async function decompress(decode: Decoder, content: Buffer, maxBytes: number): Promise<Buffer<ArrayBuffer>> {
  try {
    return await decode(content, { maxOutputLength: maxBytes, chunkSize })
  } catch (error) {
    if (error instanceof RangeError) throw new BodyTooLargeError()
    throw new BrokenAnswerError('BROKEN_COMPRESSION')
  }
}
