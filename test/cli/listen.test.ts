import fastify from 'fastify'
import { expect, test } from 'vitest'
import { type Listener, listen } from '../../src/cli/listen.ts'
import { ConfigError } from '../../src/errors.ts'

/** @param code how the system refuses IPv6 */
function openListener(code?: string) {
  const asked: string[] = []
  const http: Listener = {
    async listen({ host, port }) {
      asked.push(host)
      if (code !== undefined && host.includes(':')) throw Object.assign(new Error('canary'), { code })
      return `http://${host}:${port}`
    },
  }
  return { http, asked }
}

test.each([
  [undefined, ['::']],
  ['EAFNOSUPPORT', ['::', '0.0.0.0']],
  ['EADDRNOTAVAIL', ['::', '0.0.0.0']],
])('every address of this machine, when IPv6 is refused with %s', async (code, hosts) => {
  const { http, asked } = openListener(code)
  expect(await listen(http, { host: '::', port: 8088 }, 'HOST and PORT')).toBe(`http://${hosts.at(-1)}:8088`)
  expect(asked).toEqual(hosts)
})

test.each([
  ['::', 'EADDRINUSE', 'another process listens there'],
  ['2001:db8::1', 'EADDRNOTAVAIL', 'the system refused: EADDRNOTAVAIL'],
])('%s, refused with %s, is an error of the configuration', async (host, code, why) => {
  const { http, asked } = openListener(code)
  const error = await listen(http, { host, port: 8088 }, 'HOST and PORT').catch(error => error)
  expect(error).toBeInstanceOf(ConfigError)
  expect(error.message).toBe(`HTTP can't listen on [${host}]:8088, because ${why}: free the port, or set HOST and PORT`)
  expect(asked).toEqual([host])
})

test('a server that was refused once listens on the other address', async () => {
  await using http = fastify()
  const withoutIpv6: Listener = {
    // An address for documents, which no machine has.
    listen: ({ host, port }) => http.listen({ host: host === '::' ? '2001:db8::1' : host, port }),
  }
  const address = await listen(withoutIpv6, { host: '::', port: 0 }, 'HOST and PORT')
  expect((await fetch(address)).status).toBe(404)
})

test('every address includes those of IPv4', async () => {
  await using http = fastify()
  const { port } = new URL(await listen(http, { host: '::', port: 0 }, 'HOST and PORT'))
  expect((await fetch(`http://127.0.0.1:${port}`)).status).toBe(404)
})
