import { ok, strictEqual } from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { buildSchema } from 'graphql'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { TransientError } from '../../src/errors.ts'
import { explainThrown } from '../../src/failures/explain-thrown.ts'
import { describeError } from '../../src/log.ts'

/** Stands for a part of a row, which nothing but the author's own words may tell. */
const row = 'canary-of-a-row'
const here = String.raw`test/failures/explain-thrown\.test\.ts:\d+:\d+`

async function thrownBy(work: () => unknown): Promise<unknown> {
  try {
    await work()
  } catch (error) {
    return error
  }
  return expect.fail('it was to throw')
}

function nothing(): { a: { b: unknown } } {
  return Object({})
}

class NoCatalogueError extends Error {
  override readonly name = 'NoCatalogueError'
}

test('an error that a package threw from a callback of its own is told with its place there', async () => {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 1
  const error = await thrownBy(() => buildSchema(row)).finally(() => {
    Error.stackTraceLimit = stackTraceLimit
  })
  expect(explainThrown(error)).toEqual({
    code: 'GraphQLError',
    message: expect.stringMatching(/^GraphQLError \(in graphql\/[\w/]+\.m?js:\d+:\d+\)$/),
    isPrivate: false,
  })
})

describe('what the author of a job threw is told whole, with its place', () => {
  test.each<[string, () => unknown, RegExp]>([
    [
      'an Error',
      () => {
        throw new Error('The catalogue is empty.')
      },
      /^The catalogue is empty\. \(at HERE\)$/,
    ],
    [
      'an error of a class of its own',
      () => {
        throw new NoCatalogueError('no catalogue')
      },
      /^NoCatalogueError: no catalogue \(at HERE\)$/,
    ],
    [
      'an error without a message',
      () => {
        throw new RangeError()
      },
      /^RangeError \(at HERE\)$/,
    ],
    ['a mistake that V8 finds', () => nothing().a.b, /^TypeError: Cannot read properties .*'b'\) \(at HERE\)$/],
    ['an assertion with words', () => ok(Number('0'), 'no id'), /^AssertionError: no id \(at HERE\)$/],
    [
      'an error with a cause',
      () => {
        throw new Error('The index cannot be reached', { cause: new TransientError('x', 'Nobody answers.') })
      },
      /^The index cannot be reached \(at HERE\); cause: Nobody answers\.$/,
    ],
    [
      'several at once',
      () => Promise.any([Promise.reject(new Error('one')), Promise.reject(new Error('two'))]),
      /^AggregateError; cause: one \(at HERE\); and two \(at HERE\)$/,
    ],
    [
      'an error of an older library, made without its constructor',
      () => {
        throw Object.assign(Object.create(Error.prototype), { message: `connect to ${row}`, code: 'ECONNREFUSED' })
      },
      /^Error ECONNREFUSED$/,
    ],
    [
      'a text',
      () => {
        throw 'out of paper'
      },
      /^the text "out of paper" was thrown, which is not an Error$/,
    ],
    [
      'nothing',
      () => {
        throw undefined
      },
      /^undefined was thrown, which is not an Error$/,
    ],
    [
      'an object',
      () => {
        throw { status: 500, [`${row}@x`]: row }
      },
      /^an object with status was thrown, which is not an Error$/,
    ],
    [
      'a number',
      () => {
        throw 42
      },
      /^number was thrown, which is not an Error$/,
    ],
    [
      'an error of the project with an invalid sentence',
      () => {
        throw new TransientError('shop', Object({ message: ['out of stock'] }).message)
      },
      /^out of stock$/,
    ],
  ])('%s', async (_what, work, said) => {
    const { message } = explainThrown(await thrownBy(work))
    expect(message).toMatch(new RegExp(said.source.replaceAll('HERE', here), said.flags))
    expect(message).not.toContain(row)
  })
})

describe('of what others made nothing is told that may be a value', () => {
  test.each<[string, () => unknown, RegExp]>([
    ['JSON.parse', () => JSON.parse(row), /^SyntaxError in JSON\.parse \(at HERE\)$/],
    ['BigInt', () => BigInt(row), /^SyntaxError in BigInt \(at HERE\)$/],
    ['RegExp', () => new RegExp(`(${row}`), /^SyntaxError in RegExp \(at HERE\)$/],
    ['the in operator', () => 'x' in Object(row).valueOf(), /^TypeError: Cannot use 'in' operator .* \(at HERE\)$/],
    ['Node', () => Buffer.alloc(Object(row)), /^TypeError ERR_INVALID_ARG_TYPE \(at HERE\)$/],
    ['an assertion', () => strictEqual<unknown>(row, 'x'), /^AssertionError ERR_ASSERTION \(at HERE\)$/],
    ['zod', () => z.object({ id: z.int() }).parse({ id: row }), /^ZodError: .* number expected at id/],
    ['a library', () => buildSchema(row), /^GraphQLError \(at HERE\)$/],
    [
      'Postgres',
      () => {
        throw Object.assign(new Error(row), { code: '23505' })
      },
      /^The database reported an error: a row breaks a constraint of the table \(SQLSTATE 23505\) \(at HERE\)$/,
    ],
  ])('%s', async (_what, work, said) => {
    const { message, isPrivate } = explainThrown(await thrownBy(work))
    expect(message).toMatch(new RegExp(said.source.replaceAll('HERE', here), said.flags))
    expect(message).not.toContain(row)
    expect(isPrivate).toBe(message.startsWith('TypeError: '))
  })
})

describe('an error to which a response was assigned is told as far as it can be read', () => {
  const refuse = (): never => {
    throw new TypeError(row)
  }
  const revoked = Proxy.revocable({}, {})
  revoked.revoke()

  test.each<[string, object, RegExp]>([
    ['texts as message', { message: ['no name', 'no title'], error: 'Bad Request' }, /^no name, no title \(at HERE\)$/],
    [
      'an object as message',
      { message: { [`${row}@x`]: row, en: row } },
      /^an object with en in place of a text \(at HERE\)$/,
    ],
    ['rows as message', { message: [{ id: row }] }, /^a list in place of a text \(at HERE\)$/],
    ['no message', { message: undefined }, /^undefined in place of a text \(at HERE\)$/],
    ['no stack', { stack: null }, /^Error$/],
    ['a list as stack', { stack: [row] }, /^Error$/],
    ['a stack of another machine', { stack: 'Error: HTTP 400\n    at file://host/x.ts:1:2' }, /^Error$/],
    ['no name', { name: undefined }, /^HTTP 400 \(at HERE\)$/],
    [
      'an object as cause',
      { cause: { status: 400 } },
      /^HTTP 400 \(at HERE\); cause: an object with status was thrown/,
    ],
    [
      'a cause that cannot be read',
      { cause: revoked.proxy },
      /^HTTP 400 \(at HERE\); cause: an error that cannot be read/,
    ],
  ])('%s', async (_what, body, said) => {
    const error = Object.assign(new Error('HTTP 400'), body)
    for (const { message } of [explainThrown(error), describeError(error)]) {
      expect(message).toMatch(new RegExp(said.source.replaceAll('HERE', here), said.flags))
      expect(message).not.toContain(row)
    }
  })

  test.each<[string, unknown]>([
    ['a getter that throws', Object.defineProperty(new Error(), 'message', { get: refuse })],
    ['a name that throws', Object.defineProperty(new Error(), 'name', { get: refuse })],
    ['keys that throw', new Proxy({}, { ownKeys: refuse })],
    ['a revoked proxy', revoked.proxy],
  ])('unless it cannot be read: %s', (_what, thrown) => {
    const message = 'an error that cannot be read was thrown'
    expect(explainThrown(thrown)).toMatchObject({ message })
    expect(describeError(thrown)).toEqual({ code: 'job-error', message })
  })

  test('several at once whose list was overwritten', () => {
    const error = Object.assign(new AggregateError([new Error(row)], 'all failed'), { errors: { name: 'taken' } })
    expect(explainThrown(error).message).toMatch(new RegExp(`^AggregateError: all failed \\(at ${here}\\)$`))
  })
})

test('a fetch that failed tells what it failed of', async () => {
  const { message, isPrivate } = explainThrown(await thrownBy(() => fetch('http://127.0.0.1:1')))
  expect(message).toMatch(/^TypeError: fetch failed.*; cause: /)
  const refused = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:9'), {
    code: 'ECONNREFUSED',
    syscall: 'connect',
  })
  const failed = new TypeError('fetch failed', { cause: new AggregateError([refused, refused]) })
  expect(explainThrown(failed).message).toMatch(/cause: .*connect ECONNREFUSED 127\.0\.0\.1:9/)
  expect(isPrivate).toBe(false)
})

test('a system error is told with its path', async () => {
  const { code, message } = explainThrown(await thrownBy(() => readFile('/nowhere')))
  expect(code).toBe('ENOENT')
  expect(message).toMatch(/ENOENT: no such file or directory, open '\/nowhere'/)
})

describe('an error of another realm, as Node throws them in a test of Jest, is told like others', () => {
  test.each([
    [`Object.assign(new Error('gone'), { code: 'ENOENT', syscall: 'open' })`, 'ENOENT', 'gone'],
    [`new AggregateError([Object.assign(new Error('no'), { syscall: 'connect' })])`, 'AggregateError', /; cause: no /],
  ])('%s', (code, expectedCode, expected) => {
    const told = explainThrown(runInNewContext(code))
    expect(told).toMatchObject({ message: expect.stringMatching(expected) })
    expect(told.code).toBe(expectedCode)
  })
})

test('code that Node may not generate is told, not only where', async () => {
  const text = `try { new Function('') } catch (error) { console.log(error.message) }`
  const { stdout } = spawnSync(process.execPath, ['--disallow-code-generation-from-strings', '-e', text], {
    encoding: 'utf8',
  })
  const ofLibrary = Object.assign(new EvalError(stdout.trim()), {
    stack: 'EvalError\n    at new Function (<anonymous>)',
  })
  expect(explainThrown(ofLibrary).message).toBe(`EvalError: ${stdout.trim()}`)
})

test('an error that is its own cause comes to an end', () => {
  const error = new Error('again')
  error.cause = error
  expect(explainThrown(error).message.split('again')).toHaveLength(7)
})

describe('secrets', () => {
  const jwt = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl'

  test.each([
    [`401 for Bearer ${jwt}`, '401 for Bearer [redacted]'],
    [`401 for ${jwt}.`, '401 for [redacted].'],
    ['authorization: Basic dXNlcjpwYXNz', 'authorization: Basic [redacted]'],
    ['GET https://user:pass@search.example/x failed', 'GET https://[redacted]@search.example/x failed'],
    ['client_secret=abc&grant_type=x', 'client_secret=[redacted]&grant_type=x'],
    ['{"apiKey":"abc","id":1}', '{"apiKey":"[redacted]","id":1}'],
    ['the shared secret is s3cr3t-of-north', 'the shared secret is [redacted]'],
  ])('are taken out of "%s"', (text, told) => {
    const error = new Error(text)
    expect(explainThrown(error, ['s3cr3t-of-north']).message.replace(/ \(at .*/, '')).toBe(told)
  })

  test('that are known never get through, wherever they stand', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 6, maxLength: 40 }), fc.string(), fc.string(), (secret, before, after) => {
        fc.pre(!/\s/.test(secret) && !'[redacted]'.includes(secret))
        const { message } = explainThrown(`${before}${secret}${after}`.slice(0, 400), [secret])
        expect(message.replaceAll('[redacted]', '')).not.toContain(secret)
      }),
    )
  })
})
