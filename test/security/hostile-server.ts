import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import { gzipSync } from 'node:zlib'
import { listenOnLoopback } from '../fixtures/listen-on-loopback.ts'

/** What a hostile or broken server may answer to any request, whatever was asked. */
export const hostileAnswers: Readonly<Record<string, (response: ServerResponse) => void>> = {
  'a body of 3 MB in seven codings'(response) {
    response.writeHead(200, { 'content-encoding': Array(7).fill('gzip').join(', ') }).end(Buffer.alloc(3_000_000, ' '))
  },
  'a body in an unknown coding, without an end'(response) {
    response.writeHead(200, { 'content-encoding': 'canary' })
    pourInto(response)
  },
  '64 kB that unpack to 64 MB'(response) {
    response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb())
  },
  'something packed that is not'(response) {
    response.writeHead(200, { 'content-encoding': 'gzip' }).end('canary')
  },
  'a flood without an end': pourInto,
  'a body that is announced as a terabyte'(response) {
    response.writeHead(200, { 'content-length': 1e12 }).write('canary')
  },
  'a byte and then nothing'(response) {
    response.writeHead(200).write('c')
  },
  'headers of 100 kB'(response) {
    response.socket?.write(`HTTP/1.1 200 OK\r\ncanary: ${'c'.repeat(100_000)}\r\n\r\n`)
  },
  'a status that is none'(response) {
    response.writeHead(999).end('canary')
  },
  nothing() {},
  'half a body'(response) {
    response.writeHead(200, { 'content-length': 999 }).write('canary', () => response.destroy())
  },
  'no HTTP'(response) {
    response.socket?.end('canary canary canary\r\n\r\n')
  },
}

function pourInto(response: ServerResponse): void {
  const chunk = Buffer.alloc(65_536, ' ')
  const pour = () => {
    while (!response.destroyed && response.write(chunk));
  }
  response.on('drain', pour)
  pour()
}

let packed: Buffer | undefined

function bomb(): Buffer {
  packed ??= gzipSync(Buffer.alloc(64 * 2 ** 20, ' '))
  return packed
}

export interface HostileServer extends AsyncDisposable {
  /** An address below which this is the answer to everything. */
  answering(answer: (response: ServerResponse) => void): HostileAddress
}

export interface HostileAddress {
  readonly url: string
  /** How many it got. */
  requests(): number
  /** Resolves once no request to it is under way any more. */
  atRest(): Promise<void>
}

interface Served {
  readonly answer: (response: ServerResponse) => void
  readonly underWay: Set<ServerResponse>
  requests: number
}

export async function startHostileServer(): Promise<HostileServer> {
  const served: Served[] = []
  const server = createServer((request, response) => {
    const address = served[Number(request.url?.split('/')[1])]
    if (!address) throw new Error('nothing is served there')
    const { answer, underWay } = address
    address.requests += 1
    request.resume()
    underWay.add(response)
    response.on('error', () => {})
    response.on('close', () => underWay.delete(response))
    answer(response)
  })
  const listening = await listenOnLoopback(server)
  return {
    ...listening,
    answering(answer) {
      const underWay = new Set<ServerResponse>()
      const address = { answer, underWay, requests: 0 }
      const number = served.push(address) - 1
      return {
        requests: () => address.requests,
        url: `${listening.url}/${number}`,
        async atRest() {
          for (const response of underWay) if (!response.closed) await once(response, 'close')
        },
      }
    },
  }
}
