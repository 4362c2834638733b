import type { LookupAddress } from 'node:dns'
import { createServer } from 'node:http'
import type { LookupFunction } from 'node:net'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { describeNetworkFailure } from '../../src/failures/network-failure.ts'
import { isPublicAddress } from '../../src/outgoing/public-address.ts'
import { createPublicExchange } from '../../src/outgoing/public-exchange.ts'
import { listenOnLoopback } from '../fixtures/listen-on-loopback.ts'

describe('an address of the public internet', () => {
  test.each([
    '1.1.1.1',
    '172.15.0.1',
    '172.32.0.1',
    '100.63.0.1',
    '2606:4700::1111',
    '::ffff:1.1.1.1',
    '64:ff9b::101:101',
  ])('is %s', address => {
    expect(isPublicAddress(address)).toBe(true)
  })

  test.each([
    ...[
      '0.0.0.0',
      '10.1.2.3',
      '100.64.0.1',
      '127.0.0.1',
      '169.254.169.254',
      '172.16.0.1',
      '172.31.255.255',
      '192.168.1.1',
    ],
    ...[
      '198.18.0.1',
      '224.0.0.1',
      '255.255.255.255',
      '::',
      '::1',
      'fc00::1',
      'fd00:ec2::254',
      'fe80::1',
      'fe80::1%eth0',
    ],
    ...[
      'ff02::1',
      '2001:db8::1',
      '2002:7f00:1::',
      '2001::1',
      '::ffff:127.0.0.1',
      '::ffff:7f00:1',
      '64:ff9b::a00:1',
      '::127.0.0.1',
    ],
    ...['localhost', ''],
  ])('is not %s', address => {
    expect(isPublicAddress(address)).toBe(false)
  })

  test('of IPv4 is judged alike in each of its spellings in IPv6', () => {
    fc.assert(
      fc.property(fc.ipV4(), address => {
        const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number)
        const groups = [a * 256 + b, c * 256 + d].map(group => group.toString(16)).join(':')
        for (const spelled of [
          `::ffff:${address}`,
          `::ffff:${groups}`,
          `0:0:0:0:0:FFFF:${groups}`,
          `64:ff9b::${address}`,
        ]) {
          expect([spelled, isPublicAddress(spelled)]).toEqual([spelled, isPublicAddress(address)])
        }
      }),
    )
  })
})

async function listen() {
  let requests = 0
  const server = createServer((_request, response) => {
    requests += 1
    response.end()
  })
  return { ...(await listenOnLoopback(server)), requests: () => requests }
}

/** A name server that gives one answer after the other. */
function answering(...answers: readonly (readonly string[])[]) {
  const left = [...answers]
  let asked = 0
  const resolve: LookupFunction = (_host, { all }, callback) => {
    asked += 1
    const found: LookupAddress[] = (left.shift() ?? []).map(address => ({ address, family: 4 }))
    if (all) callback(null, found)
    else callback(null, found[0]?.address ?? '', 4)
  }
  return { resolve, asked: () => asked }
}

const limits = { timeoutMs: 5_000, maxBytes: 1_024, ifTooLarge: '' }
const isPrivate = (error: unknown) => describeNetworkFailure(error).code === 'PRIVATE_ADDRESS'

describe('a request to an address that somebody else chose', () => {
  test.each(['127.0.0.1', '[::1]', '0x7f.1', '2130706433', '[::ffff:127.0.0.1]'])('is not sent to %s', async host => {
    await using server = await listen()
    const sent = createPublicExchange()(`http://${host}:${server.port}/`, {}, limits)
    expect(await sent.catch(isPrivate)).toBe(true)
    expect(server.requests()).toBe(0)
  })

  test('is not sent to a name that stands for a private address, nor for one among others', async () => {
    await using server = await listen()
    for (const answer of [['127.0.0.1'], ['1.1.1.1', '127.0.0.1']]) {
      const exchange = createPublicExchange([], answering(answer).resolve)
      expect(await exchange(`http://hook.example:${server.port}/`, {}, limits).catch(isPrivate)).toBe(true)
    }
    expect(server.requests()).toBe(0)
  })

  test('goes to the address that was checked: a name is asked once for a connection, whatever it would say next', async () => {
    await using server = await listen()
    const names = answering(['127.0.0.1'], ['198.51.100.1'])
    await createPublicExchange(['hook.example'], names.resolve)(`http://hook.example:${server.port}/`, {}, limits)
    expect([server.requests(), names.asked()]).toEqual([1, 1])
  })
})
