import type { Readable } from 'node:stream'
import { promisify } from 'node:util'
import { brotliDecompress, gunzip, inflate, inflateRaw, type ZlibOptions } from 'node:zlib'

/** A body went beyond its limit, as it came or decompressed. */
export class BodyTooLargeError extends Error {}

/** An answer began and can't be read; `code`, or that of `cause`, tells why. */
export class BrokenAnswerError extends Error {
  readonly code: string | undefined

  constructor(code: 'UNKNOWN_CONTENT_ENCODING' | 'BROKEN_COMPRESSION' | undefined, options?: ErrorOptions) {
    super('The answer can not be read', options)
    this.code = code
  }
}

/** What a request's `Accept-Encoding` says. */
export const acceptedEncodings = 'gzip, br'

/** Those of an answer that say how its body comes (RFC 9110, sections 8.4 and 8.6). */
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

/** Codings that change the bytes (IANA, "HTTP Content Coding Registry") and that nobody asks for here. */
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
 * How a body is coded. A name that is no registered coding, such as `utf-8` or `none`, says nothing about its bytes, as for browsers.
 *
 * @returns undefined for a body that is as it was
 */
export function findCodings(encoding: BodyHeaders['content-encoding']): readonly string[] | undefined {
  const names = [encoding ?? ''].flat().join(',').toLowerCase().split(',')
  const codings = names.map(name => name.trim()).filter(name => decoders.has(name) || unwanted.has(name))
  return codings.length > 0 ? codings : undefined
}

/** One coding at most: several are nothing that a server needs, and each multiplies what a byte of the answer costs. */
function findDecoder(encoding: BodyHeaders['content-encoding']): Decoder | undefined {
  const codings = findCodings(encoding)
  if (!codings) return undefined
  const [only = '', ...more] = codings
  const decoder = more.length === 0 ? decoders.get(only) : undefined
  if (decoder) return decoder
  throw new BrokenAnswerError('UNKNOWN_CONTENT_ENCODING')
}

/** Some servers leave out the zlib header (RFC 9110, section 8.4.1.2, note); without it no stream begins like one (RFC 1950, 2.2). */
function inflateEither(content: Buffer, options: ZlibOptions): Promise<Buffer<ArrayBuffer>> {
  const [method = 0, flags = 0] = content
  const hasHeader = (method & 15) === 8 && (method * 256 + flags) % 31 === 0
  return (hasHeader ? inflateWrapped : inflateBare)(content, options)
}

const inflateWrapped = promisify(inflate)
const inflateBare = promisify(inflateRaw)

/** Larger than Node's 16 KB: each chunk is a trip to another thread. */
const chunkSize = 256 * 1024

async function decompress(decode: Decoder, content: Buffer, maxBytes: number): Promise<Buffer<ArrayBuffer>> {
  try {
    return await decode(content, { maxOutputLength: maxBytes, chunkSize })
  } catch (error) {
    if (error instanceof RangeError) throw new BodyTooLargeError()
    throw new BrokenAnswerError('BROKEN_COMPRESSION')
  }
}
