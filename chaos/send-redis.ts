import { once } from 'node:events'
import { connect } from 'node:net'

/** One command for a Redis on this machine, past every proxy. @throws what Redis answers, when that is an error */
export async function sendRedis(url: string, words: readonly string[]): Promise<void> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  try {
    socket.write(`*${words.length}\r\n${words.map(word => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`)
    const [answer] = await once(socket, 'data')
    if (String(answer).startsWith('-')) throw new Error(`Redis refused ${words.join(' ')}: ${String(answer).trim()}`)
  } finally {
    socket.destroy()
  }
}
