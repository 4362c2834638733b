import { stripVTControlCharacters } from 'node:util'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createLiveTerminal } from '../../src/cli/live-terminal.ts'
import { printLogLine } from '../../src/cli/print-log.ts'
import { createSafeTerminal } from '../../src/cli/safe-terminal.ts'
import { table } from '../../src/cli/table.ts'
import { ok, warn } from '../../src/doctor/check.ts'
import { ConfigError, PermanentError, RefusalError } from '../../src/errors.ts'
import { findRefusal } from '../../src/gate/requirement.ts'
import { createLog } from '../../src/log.ts'
import { bounded, printable } from '../../src/words/printable.ts'

/** What a terminal obeys, what forges a line, what makes a text look like another one. */
const hostile = [
  '\u001b[2J',
  '\u001b]0;title\u0007',
  '\u009b31m',
  '\r',
  '\n{"level":"info","msg":"run succeeded"}',
  '\u0085',
  '\u2028',
  '\u2029',
  '\b',
  '\u0000',
  '\u202e',
  '\u2066',
  '\u200f',
  '\u061c',
  '\u200b',
  '\u200d',
  '\ufeff',
  '\u00ad',
  '\u2060',
  '\ud800',
  '\u{e0041}',
]
const anyText = fc
  .array(fc.oneof(fc.constantFrom(...hostile), fc.string({ maxLength: 9 })), { maxLength: 9 })
  .map(parts => parts.join(''))
const obeyed = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u

function open(hasColors: boolean) {
  let written = ''
  const write = (text: string) => {
    written += text
  }
  const terminal = createSafeTerminal(
    createLiveTerminal({ out: write, err: write, isInteractive: true, hasColors, columns: 80 }),
  )
  return { terminal, written: () => written }
}

test('of any text nothing is left that a terminal, a log or a page obeys', () => {
  fc.assert(fc.property(anyText, text => void expect(printable(text)).not.toMatch(obeyed)))
})

test('a JSON document is the same document', () => {
  fc.assert(
    fc.property(fc.jsonValue(), anyText, (value, text) => {
      const document = JSON.stringify([value, text], undefined, 2)
      expect(JSON.parse(printable(document, '\n'))).toEqual(JSON.parse(document))
    }),
  )
})

test('whatever a command writes, a terminal shows', () => {
  fc.assert(
    fc.property(anyText, fc.boolean(), (text, hasColors) => {
      const { terminal, written } = open(hasColors)
      terminal.out(text)
      terminal.err(text)
      terminal.out(table([{ [text]: text }], 'none'))
      expect(written().replaceAll(/\n|\t/g, '')).not.toMatch(obeyed)
    }),
  )
})

test('a line of the log is one line, with only our own colours', () => {
  fc.assert(
    fc.property(anyText, text => {
      const { terminal, written } = open(true)
      const lines: string[] = []
      const log = createLog('trace', line => {
        lines.push(line)
        printLogLine(terminal, line)
      })
      log.error({ account: text, error: new PermanentError('x', { found: text, remedy: text }) }, text)
      expect(lines).toEqual([expect.stringMatching(/^[^\n]*\n$/)])
      expect(JSON.parse(lines[0] ?? '')).toMatchObject({ account: text, msg: text })
      for (const line of [lines[0] ?? '', stripVTControlCharacters(written())]) {
        expect(line.slice(0, -1)).not.toMatch(obeyed)
      }
    }),
  )
})

test('no sentence of an error or of doctor breaks its line, whatever is in it', () => {
  fc.assert(
    fc.property(anyText, text => {
      const told = { found: `Role "${text}"`, remedy: text }
      const { message, found, remedy } = new RefusalError('claims', 'account', told)
      const [problem] = new ConfigError([told]).problems
      const said = [message, found, remedy, problem?.found, ok(text).detail, warn('x', text).hint]
      for (const part of said) expect(part).not.toMatch(obeyed)
    }),
  )
})

test('several problems are one sentence, without an escaped line break', () => {
  expect(new ConfigError(['a', { found: 'b', remedy: 'c' }]).message).toBe('a; b: c')
})

test('four thousand roles are ten and a count', () => {
  const roles = Array.from({ length: 4_000 }, (_, index) => `role-${index}`)
  const claims = { issuer: 'i', subject: 's', scopes: roles, clientRoles: { app: roles }, payload: {}, issuedAt: 0 }
  const hasura = { allowedRoles: roles, defaultRole: 'role-0' }
  const granted = { claims, hasura } as unknown as Parameters<typeof findRefusal>[1]
  const [byRole, byScope, byClient] = [{ role: 'x' }, { scopes: ['x'] }, { clientRoles: { app: ['x'] } }].map(needed =>
    findRefusal(needed, granted),
  )
  for (const refusal of [byRole, byScope, byClient]) {
    expect(refusal?.message).toContain('role-9 and 3,990 more')
    expect(refusal?.message.length).toBeLessThan(500)
  }
})

test('an error of 700 kB tells how much of it was left out', () => {
  const { message } = new PermanentError('x', { found: 'y'.repeat(700_000), remedy: 'z' })
  expect(message).toMatch(/^y+… \(696,040 more characters\): z$/)
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 300 }), text => {
      const short = bounded(text, 100)
      expect(short.length).toBeLessThanOrEqual(100)
      expect(bounded(short, 100)).toBe(short)
      if (text.isWellFormed()) expect(short.isWellFormed()).toBe(true)
    }),
  )
})
