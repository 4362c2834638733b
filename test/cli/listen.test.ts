import fastify from 'fastify'
import { expect, test } from 'vitest'
import { type AddressVariables, type Listener, listen } from '../../src/cli/listen.ts'
import { ConfigError } from '../../src/errors.ts'

const variables: AddressVariables = { host: 'HOST', port: 'PORT' }

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
  expect(await listen(http, { host: '::', port: 8088 }, variables)).toBe(`http://${hosts.at(-1)}:8088`)
  expect(asked).toEqual(hosts)
})

test.each([
  ['::', 'EADDRINUSE', '[::]:8088, because another process listens there: free the port, or set HOST and PORT'],
  ['::', 'EACCES', '[::]:8088, because this user may not use the port: set PORT to a number above 1023'],
  [
    '2001:db8::1',
    'EADDRNOTAVAIL',
    '[2001:db8::1]:8088, because this machine has no such address: set HOST to an address of this machine, such as 127.0.0.1 or ::1',
  ],
  ['fe80::1', 'EINVAL', '[fe80::1]:8088, because the system refused: EINVAL: set HOST and PORT'],
])('%s, refused with %s, is an error of the configuration', async (host, code, told) => {
  const { http, asked } = openListener(code)
  const error = await listen(http, { host, port: 8088 }, variables).catch(error => error)
  expect(error).toBeInstanceOf(ConfigError)
  expect(error.message).toBe(`HTTP can't listen on ${told}`)
  expect(asked).toEqual([host])
})

test('a HOST that another program has set, as conda does, is told as such', async () => {
  await using http = fastify()
  await expect(listen(http, { host: 'x86_64-conda-linux-gnu.invalid', port: 0 }, variables)).rejects.toThrow(
    /^HTTP can't listen on x86_64-conda-linux-gnu\.invalid:0, because no address has this name \((?:ENOTFOUND|EAI_AGAIN)\): set HOST to an address of this machine, such as 127\.0\.0\.1 or ::1; another program may have set it$/,
  )
})

test('a server that was refused once listens on the other address', async () => {
  await using http = fastify()
  const withoutIpv6: Listener = {
    // An address for documents, which no machine has.
    listen: ({ host, port }) => http.listen({ host: host === '::' ? '2001:db8::1' : host, port }),
  }
  const address = await listen(withoutIpv6, { host: '::', port: 0 }, variables)
  expect((await fetch(address)).status).toBe(404)
})

test('every address includes those of IPv4', async () => {
  await using http = fastify()
  const { port } = new URL(await listen(http, { host: '::', port: 0 }, variables))
  expect((await fetch(`http://127.0.0.1:${port}`)).status).toBe(404)
})
