import { once } from 'node:events'
import { connect } from 'node:net'

/** Sends one command to a Redis on this machine, bypassing the proxies. @throws Error with Redis' reply if that is an error */
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
