import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js'
import { expect, test } from 'vitest'
import { parse } from 'yaml'

const project = join(import.meta.dirname, '../..')
const schemaFile = join(project, 'schema/accounts.schema.json')
const files = globSync('examples/*/accounts.{yaml,yml,json}', { cwd: project })

/** As an editor does. */
const validate = new Ajv2020({ allErrors: true, formats: { uri: URL.canParse } }).compile(
  JSON.parse(readFileSync(schemaFile, 'utf8')),
)

function findProblems(text: string): string[] {
  return validate(parse(text)) ? [] : (validate.errors ?? []).map(describe)
}

function describe({ instancePath, keyword, params }: ErrorObject): string {
  return `${instancePath} ${keyword} ${JSON.stringify(params)}`
}

test.each(files)('%s names the JSON Schema, and is what it asks for', path => {
  const text = readFileSync(join(project, path), 'utf8')
  const named = /^# yaml-language-server: \$schema=(\S+)$/m.exec(text)?.[1] ?? ''
  expect(join(project, dirname(path), named)).toBe(schemaFile)
  expect(findProblems(text)).toEqual([])
})

test('each system has one', () => {
  expect(files.map(path => path.split('/')[1]).toSorted()).toEqual([
    'eunifyer',
    'keycloak',
    'persium',
    'phase-two',
    'phonemos',
  ])
})

test.each<[string, RegExp | string, string, string]>([
  [
    'a setting by another name',
    'clientId:',
    'clientID:',
    '/accounts/0 additionalProperties {"additionalProperty":"clientID"}',
  ],
  ['no issuer', /oidcIssuer: .*/, '', '/accounts/0 anyOf {}'],
  [
    'an address that is none',
    /hasuraUrl: .*/,
    'hasuraUrl: hasura.example',
    '/accounts/0/hasuraUrl format {"format":"uri"}',
  ],
  ['a schedule that is none', 'everySeconds: 120', 'often: 120', '/accounts/0/schedules'],
])('a file with %s is refused', (_what, from, to, problem) => {
  const text = readFileSync(join(project, 'examples/phonemos/accounts.yaml'), 'utf8')
  const wrong = text.replace(from, to)
  expect(wrong).not.toBe(text)
  expect(findProblems(wrong).join('\n')).toContain(problem)
})
