import { describe, expect, test } from 'vitest'
import { flagOf, kebabOf } from '../../src/cli/command.ts'
import { commands } from '../../src/cli/commands.ts'
import { wordsOf } from '../../src/cli/options.ts'
import { run } from './run-command.ts'

test('the help of the program names every command and the exit codes', async () => {
  const { code, out, err } = await run({}, '--help')
  expect({ code, err }).toEqual({ code: 0, err: '' })
  for (const { name } of commands) expect(out).toMatch(new RegExp(`^  ${name.split(' ')[0]}(?: |$)`, 'm'))
  expect(out).toContain('Exit codes: 0 done')
  for (const same of ['-h', 'help']) expect(await run({}, same)).toEqual({ code: 0, out, err })
})

test.each(['run', 'schema', 'schema pull', 'holds probe'])('"help %s" is what --help prints after it', async name => {
  const words = name.split(' ')
  const { code, out } = await run({}, 'help', ...words)
  expect({ code, out }).toEqual({ code: 0, out: (await run({}, ...words, '--help')).out })
})

test.each(['run sync-users', 'holds --json'])('"help" before the whole command "%s" runs nothing', async words => {
  const { code, out } = await run({}, 'help', ...words.split(' '))
  expect([code, out]).toEqual([0, expect.stringMatching(/^Usage: hasura-sync-worker (?:run|holds) /)])
})

test.each(['-V', '--version'])('%s prints the version, also after a command', async flag => {
  const version = { code: 0, out: '1.2.3\n', err: '' }
  expect(await run({}, flag)).toEqual(version)
  expect(await run({}, 'schema', 'pull', flag)).toEqual(version)
})

/** Everything that a command needs to be complete, so that only what is added can be wrong. */
const complete = commands.map(command => ({
  ...command,
  argv: [...command.name.split(' '), ...Object.keys(command.arguments)],
  needed: Object.entries(command.arguments).flatMap(([key, schema]) => (wordsOf(schema).isOptional ? [] : [key])),
}))

describe.each(complete)('$name', ({ name, summary, arguments: taken, options, argv, needed }) => {
  const words = name.split(' ')
  const flags = Object.entries(options).map(([key, schema]) => ({ flag: flagOf(key), ...wordsOf(schema) }))

  test.each(['-h', '--help'])('%s explains each argument and each flag, without any configuration', async flag => {
    const { code, out, err } = await run({}, ...words, flag)
    expect({ code, err }).toEqual({ code: 0, err: '' })
    const text = out.replaceAll(/\s+/g, ' ')
    expect(text).toContain(summary)
    for (const [key, schema] of Object.entries(taken)) {
      expect(text).toContain(wordsOf(schema).isOptional ? ` [${kebabOf(key)}]` : ` <${kebabOf(key)}>`)
      expect(text).toContain(` ${kebabOf(key)} ${wordsOf(schema).text}`)
    }
    for (const { flag, value, text: meaning } of flags) {
      expect(text).toContain(` ${value === undefined ? flag : `${flag} <${value}>`} ${meaning}`)
    }
  })

  test.each(needed)('ends with 2 without <%s>', async () => {
    expectUsage(await run({}, ...words), /^Missing required argument '/)
  })

  test('ends with 2 for a word too many and for a flag that it does not have', async () => {
    expectUsage(await run({}, ...argv, 'more'), /^Too many arguments for '/)
    expectUsage(await run({}, ...argv, '--xyzzy'), /^Unknown option '--xyzzy': /)
  })

  test.each(flags)('ends with 2 for a misspelt $flag, and names the right one', async ({ flag }) => {
    expectUsage(await run({}, ...argv, `${flag}x`), new RegExp(`^Unknown option '${flag}x': did you mean .*${flag}`))
  })

  test.each(flags)('ends with 2 for a wrong value of $flag', async ({ flag, value }) => {
    if (value === undefined) {
      expectUsage(
        await run({}, ...argv, `${flag}=yes`),
        new RegExp(`^${flag} takes no value: give it as ${flag}, or leave it out$`, 'm'),
      )
      return
    }
    expectUsage(await run({}, ...argv, flag), new RegExp(`^Option '${flag} <${value}>' argument missing: `))
    // What was forgotten isn't taken from the flag that follows.
    expectUsage(await run({}, ...argv, flag, '--wait'), new RegExp(`^${flag} is `))
  })

  if (!('json' in options)) return
  test('keeps stdout one JSON document when it is called wrongly', async () => {
    const { out, err } = await run({}, ...argv, '--json', '--xyzzy')
    expect(JSON.parse(out)).toEqual({ error: { code: 'usage', message: err.trimEnd() } })
  })
})

/** One sentence on stderr, and nothing on stdout. */
function expectUsage({ code, out, err }: { code: number | null; out: string; err: string }, sentence: RegExp): void {
  expect(err).toMatch(sentence)
  expect(err).toMatch(/^.*: .*\n$/)
  expect({ code, out }).toEqual({ code: 2, out: '' })
}
