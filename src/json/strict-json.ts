import { UsageError } from '../errors.ts'
import type { Explanation } from '../explanation.ts'
import { isStorable } from '../words/storable.ts'
import { isExact } from './exact-numbers.ts'
import { parseJson } from './parse-json.ts'

/** Levels of nested lists and objects. */
const deepest = 32

/**
 * Parses JSON that a caller wrote, where what is stored must be what was written: I-JSON (RFC 7493), without the NUL character,
 * which Postgres can't store. Takes linear time.
 *
 * @throws SyntaxError when it is not JSON; UsageError when it is nested too deeply, names a key twice, holds a number that a double
 *   changes, a character that can't be stored, or a name that reaches the prototype of objects
 */
export function parseStrictJson(text: string): unknown {
  if (depthOf(text) > deepest) {
    throw new UsageError({ found: `The JSON is nested more than ${deepest} levels deep`, remedy: 'make it flatter' })
  }
  const value: unknown = parseJson(text)
  const problem = findProblem(text)
  if (problem) throw new UsageError(problem)
  return value
}

/** Up to one more than is allowed; of what is not JSON, some number. */
function depthOf(text: string): number {
  let depth = 0
  let greatest = 0
  let isQuoted = false
  for (let at = 0; at < text.length && greatest <= deepest; at++) {
    const character = text[at]
    if (character === '"') isQuoted = !isQuoted
    else if (isQuoted && character === '\\') at++
    else if (!isQuoted && (character === '[' || character === '{')) greatest = Math.max(greatest, ++depth)
    else if (!isQuoted && (character === ']' || character === '}')) depth--
  }
  return greatest
}

/** The tokens that matter, in a text that is known to be JSON. */
const tokens = /"[^"\\]*(?:\\.[^"\\]*)*"(\s*:)?|[{}[\]]|-?\d[\d.eE+-]*/g

/** A list or an object that is open at the current position. */
interface Open {
  readonly names: Set<string>
  /** Its name in the enclosing object. */
  readonly under: string | undefined
}

function findProblem(text: string): Explanation | undefined {
  const open: Open[] = []
  let name: string | undefined
  for (const { 0: token, 1: colon, index } of text.matchAll(tokens)) {
    const place = `at character ${index + 1}`
    const [first] = token
    if (first === '{' || first === '[') open.push({ names: new Set(), under: name })
    else if (first === '}' || first === ']') open.pop()
    else if (first === '"') {
      const written = colon === undefined ? token : token.slice(0, -colon.length)
      const said = String(parseJson(written))
      if (!isStorable(said)) return unstorable(place)
      if (colon === undefined) continue
      name = said
      const around = open.at(-1)
      if (isPoison(name, around)) return { found: `The name ${place} is reserved`, remedy: 'give it another one' }
      if (around?.names.has(name))
        return { found: `The name ${place} appears twice in its object`, remedy: 'give it once' }
      around?.names.add(name)
    } else if (!isExact(token)) {
      return { found: `The number ${place} can't be stored exactly`, remedy: 'give it as a text, in quotes' }
    }
  }
  return undefined
}

function unstorable(place: string): Explanation {
  return {
    found: `The text ${place} contains a NUL character or an unpaired surrogate, which can't be stored`,
    remedy: 'remove or encode it',
  }
}

/** What a careless merge would write into the prototype of all objects. */
function isPoison(name: string, around: Open | undefined): boolean {
  return name === '__proto__' || (name === 'prototype' && around?.under === 'constructor')
}
