import { globSync } from 'node:fs'
import { beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { KeycloakAdmin } from '../services/keycloak-admin.ts'
import { getSharedKeycloak } from '../services/shared-keycloak.ts'
import { findSection, projectFolder, readDocument } from './markdown.ts'

const named = z.array(z.object({ name: z.string() }))

/** Stand in the console's script itself. */
const ownWords = ['Certificate PEM', 'JSON Web Key Set']

/** Of versions after the one that tests start: 26.6 and 26.7. */
const laterWords = ['Allowed authentication method', 'Certificate Authority subject DN']

/** Everything that the admin console calls something, in English, and what the server calls its own parts. */
let labels: ReadonlySet<string>

beforeAll(async () => {
  const keycloak = getSharedKeycloak()
  const admin = new KeycloakAdmin(keycloak)
  const messages = z.array(z.object({ value: z.string() }))
  const bundle = messages.parse(await (await fetch(`${keycloak.url}/resources/master/admin/en`)).json())
  // One level above the realms.
  const server = await admin.get('/../serverinfo', z.object({ protocolMapperTypes: z.record(z.string(), named) }))
  const authenticators = await admin.get(
    '/master/authentication/client-authenticator-providers',
    z.array(z.object({ displayName: z.string() })),
  )
  labels = new Set([
    ...bundle.map(({ value }) => value),
    ...Object.values(server.protocolMapperTypes).flatMap(types => types.map(({ name }) => name)),
    ...authenticators.map(({ displayName }) => displayName),
    ...ownWords,
    ...laterWords,
  ])
})

describe('what the documents say of the console', () => {
  const text = [
    findSection(readDocument('docs/getting-started.md'), 'In the realm'),
    readDocument('docs/authentication.md'),
    findSection(readDocument('docs/dashboard.md'), 'Opening it'),
  ]
    .join('\n')
    .replaceAll(/\n\s*/g, ' ')
  const places = [...text.matchAll(/(?<![*\w])\*([^*|]+)\*(?![*\w])/g)].map(([, place = '']) => place)
  const mappers = [...text.matchAll(/\| (\w[\w ]+) \| `https:/g)].map(([, name = '']) => name)
  const authenticators = [
    ...text.matchAll(/\| `(?:client_secret|private_key|tls_client)_\w+`(?: \(default\))? \| ([A-Z][^|]+) \|/g),
  ].map(([, name = '']) => name)

  test('is found', () => {
    expect(mappers).toHaveLength(3)
    expect(authenticators).toHaveLength(4)
    expect(places.length).toBeGreaterThan(30)
  })

  test.each([...new Set([...places, ...mappers, ...authenticators])])('is there: %s', place => {
    for (const part of place.split('→')) expect(isLabel(part.trim())).toBe(true)
  })
})

describe('what the code tells to mend in the console', () => {
  const sources = globSync('src/{auth,doctor,gate,provision,rest}/**/*.ts', { cwd: projectFolder }).map(readDocument)
  const places = sources.flatMap(findPlaces)

  test('is found', () => {
    expect(places.length).toBeGreaterThan(30)
  })

  test.each([...new Set(places)])('is there: %s', place => {
    const [first = '', ...rest] = place.split('→').map(part => part.trim())
    const last = rest.pop() ?? ''
    // The sentence goes on before and behind.
    expect([...labels].some(label => first.endsWith(label)) || isLabel(first)).toBe(true)
    for (const part of rest) expect(isLabel(part)).toBe(true)
    expect([...labels].some(label => beginsWith(last, label)) || isLabel(last)).toBe(true)
  })

  test.each([...new Set(sources.flatMap(findSwitches))])('can be switched: %s', words => {
    expect([...labels].some(label => beginsWith(words, label))).toBe(true)
  })
})

/** What is named in small letters, by a variable or in a script of its own is no label: the reader's own client, scope or role. */
function isLabel(part: string): boolean {
  return part === '' || /^(?:[a-z`]|\$\{)/.test(part) || labels.has(part)
}

/** A sentence that goes on behind a label does so with a small word, not with more of a name. */
function beginsWith(text: string, label: string): boolean {
  if (!text.startsWith(label)) return false
  return /^(?:$|[^\w ]| (?:and|under|with|to|in|of|on|or|is|it)\b)/.test(text.slice(label.length))
}

function findPlaces(source: string): string[] {
  const code = source.replaceAll(/^\s*(?:\/\/|\/?\*).*$/gm, '')
  return [...code.matchAll(/[^'`"(),;:\n]+(?:→[^'`"(),;:\n]+)+/g)].map(([place]) => place.trim())
}

function findSwitches(source: string): string[] {
  return [...source.matchAll(/switch (?:on|off) (?:its )?([A-Z][^`']+)/g)].map(([, words = '']) => words)
}
