import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { explainFileFailure } from '../../src/failures/file-failure.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'file-failure-'))
  await writeFile(join(folder, 'file'), '')
  await symlink('loop', join(folder, 'loop'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

test.each([
  ['nowhere', /^It can't be read, because it, or a part of its path, does not exist \(ENOENT\)$/],
  ['file/below', /because a part of the path is a file, not a folder \(ENOTDIR\)$/],
  ['loop', /because a link on the path leads back to itself \(ELOOP\)$/],
  ['.', /because it is a folder, not a file \(EISDIR\)$/],
  ['x'.repeat(300), /because the path is too long \(ENAMETOOLONG\)$/],
])('%s is no file, and the system says why', async (name, found) => {
  const error = await readFile(join(folder, name)).catch(error => error)
  const failure = explainFileFailure("It can't be read", error)
  expect(failure?.found).toMatch(found)
  expect(failure?.remedy).toBe('correct the path')
  expect(failure?.isPassing).toBe(false)
})

test('a folder in the place of a file is told', async () => {
  const error = await mkdir(join(folder, 'file')).catch(error => error)
  expect(explainFileFailure('No folder', error)?.found).toBe('No folder, because a file is in its place (EEXIST)')
})

// What PGlite throws when the disk is full while it makes its files.
test('the embedded database gives numbers alone', () => {
  expect(explainFileFailure("It can't be opened", { name: 'ErrnoError', errno: 51 })).toEqual({
    code: 'ENOSPC',
    found: "It can't be opened, because the disk is full (ENOSPC)",
    remedy: 'free space on it',
    isPassing: true,
  })
})

test.each([undefined, 'ENOENT', new Error('ENOENT'), { name: 'ErrnoError', errno: 0 }, { code: 'ENOENT' }])(
  '%s is no error of the file system',
  error => {
    expect(explainFileFailure('What', error)).toBeUndefined()
  },
)
