import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { projectFolder } from './markdown.ts'

/** Phrases that were rewritten once: see "English" in CONTRIBUTING.md. */
const phrases = new RegExp(
  [
    'gone on with',
    'goes on by itself',
    '(?:begins?|begun|made|written|asked|reads?) (?:them )?anew',
    'br(?:oke|eaks) off',
    'slip of the pen',
    '\\bwins? over\\b',
    'would mean nothing',
    'is told of (?:that|it)\\b',
    'where no answer came',
    'is the URL right',
    'takes? it back\\b',
    '(?:file|value|secret|machine) alone\\b',
    'thousand million',
  ].join('|'),
  'i',
)

const files = globSync(
  ['src/**/*.ts', 'docs/**/*.md', 'README.md', 'CHANGELOG.md', 'SECURITY.md', 'packages/*/README.md'],
  {
    cwd: projectFolder,
    exclude: name => /generated|node_modules/.test(name),
  },
)

test('no document, comment or message has a phrase that we have a plainer one for', () => {
  const found = files.flatMap(file =>
    readFileSync(join(projectFolder, file), 'utf8')
      .split('\n')
      .flatMap((line, at) => (phrases.test(line) ? [`${file}:${at + 1}: ${line.trim()}`] : [])),
  )
  expect(found).toEqual([])
})
