import { once } from 'node:events'
import { connect } from 'node:net'

/** A connection that speaks no HTTP of its own: what it sends is what a hostile caller wants to send. */
export async function openConnection(url: string) {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  let received = ''
  socket.setEncoding('latin1')
  socket.on('data', (part: string) => {
    received += part
  })
  // The other side may end it in the middle of what is sent.
  socket.on('error', () => {})
  const closed = new Promise<void>(resolve => socket.once('close', () => resolve()))
  await once(socket, 'connect')
  return {
    send: (bytes: string) => void socket.write(bytes, 'latin1'),
    received: () => received,
    /** Everything that came, once the other side has closed the connection. */
    async untilClosed() {
      await closed
      return received
    },
    [Symbol.dispose]: () => void socket.destroy(),
  }
}
