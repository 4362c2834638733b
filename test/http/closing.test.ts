import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { createFastify, httpLimits } from '../../src/http/create-fastify.ts'
import { captureLog } from '../fixtures/captured-log.ts'

test('a request that arrives while the server stops, on a connection that is open, is to be sent again after a pause', async () => {
  const http = createFastify(captureLog().log, httpLimits)
  const arrived = Promise.withResolvers<void>()
  const stopping = Promise.withResolvers<void>()
  http.get('/first', async () => {
    arrived.resolve()
    return { isTaken: true }
  })
  http.post('/second', async () => ({ isTaken: true }))
  http.addHook('preClose', async () => stopping.resolve())
  const { port } = new URL(await http.listen({ host: '127.0.0.1', port: 0 }))
  const socket = connect(Number(port), '127.0.0.1')
  const answers = text(socket)
  // The beginning of the second one keeps its connection from counting as idle.
  socket.write('GET /first HTTP/1.1\r\nhost: x\r\n\r\nPOST /second HTTP/1.1\r\nhost: x\r\n')
  await arrived.promise
  const closed = http.close()
  await stopping.promise
  socket.write('content-type: application/json\r\ncontent-length: 2\r\n\r\n{}')
  const [, first = '', second = ''] = (await answers).split('HTTP/1.1 ')
  expect(first).toMatch(/^200 .*"isTaken":true/s)
  expect(second).toMatch(/^503 /)
  expect(second).toMatch(/^retry-after: 5\r$/m)
  expect(second).toMatch(/^connection: close\r$/im)
  expect(second).toMatch(/^content-type: application\/problem\+json; charset=utf-8\r$/m)
  expect(JSON.parse(second.split('\r\n\r\n')[1] ?? '')).toMatchObject({
    code: 'stopping',
    detail: 'This process is stopping',
    remedy: 'send the request again',
  })
  await closed
})
