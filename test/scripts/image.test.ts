import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { findSection, projectFolder, readDocument } from '../docs/markdown.ts'

const { files } = z.object({ files: z.array(z.string()) }).parse(JSON.parse(readDocument('package.json')))

/** What is built, and what is read by people alone, has no place in an image that runs the sources. */
const needless = ['dist', 'docs', 'deploy', 'README.md']

test.each(files.filter(path => !needless.includes(path)))('the image has %s, as the package has', path => {
  expect(existsSync(join(projectFolder, path))).toBe(true)
  expect(readDocument('Dockerfile')).toMatch(new RegExp(`^COPY (?:\\S+ )*${path.replace('.', '\\.')} `, 'm'))
  expect(readDocument('.dockerignore').split('\n')).toContain(`!${path}`)
})

test.each(['Dockerfile', 'templates/project/Dockerfile'])(
  'the image of %s has the module that registers an SDK',
  path => {
    const section = findSection(readDocument('docs/operations.md'), 'Traces')
    const [, module = '', folder] = /^Write `((\w+)\/\S+)`/m.exec(section) ?? []
    expect(section).toContain(`--import ./${module} `)
    expect(readDocument(path)).toMatch(new RegExp(`^COPY ${folder} ./${folder}$`, 'm'))
  },
)
