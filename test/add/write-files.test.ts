import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { writeFiles } from '../../src/add/write-files.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'write-files-'))
  await writeFile(join(folder, 'old'), 'before')
})
afterEach(() => rm(folder, { recursive: true, force: true }))

test('writes new files and over old ones, and leaves nothing else', async () => {
  await writeFiles(folder, [
    { path: 'old', content: 'after' },
    { path: 'sub/new', content: 'new' },
  ])
  expect(await readdir(folder, { recursive: true })).toEqual(expect.arrayContaining(['old', 'sub', 'sub/new']))
  expect(await readdir(join(folder, 'sub'))).toEqual(['new'])
  expect(await readFile(join(folder, 'old'), 'utf8')).toBe('after')
  expect(await readFile(join(folder, 'sub/new'), 'utf8')).toBe('new')
})

test.each(['sub', 'old/below'])('takes everything back when %s cannot be written', async path => {
  // A folder that holds something can't be replaced by a file, and a file holds no other.
  await mkdir(join(folder, 'sub'))
  await writeFile(join(folder, 'sub/inside'), 'x')
  const writing = writeFiles(folder, [
    { path: 'new', content: 'new' },
    { path: 'old', content: 'after' },
    { path, content: 'x' },
  ])
  await expect(writing).rejects.toThrow(/, because .* \((?:EISDIR|ENOTDIR|EEXIST)\): correct the path$/)
  expect((await readdir(folder)).toSorted()).toEqual(['old', 'sub'])
  expect(await readFile(join(folder, 'old'), 'utf8')).toBe('before')
})
