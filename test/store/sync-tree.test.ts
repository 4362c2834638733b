import { fsync } from 'node:fs'
import { mkdtemp, open, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { syncTree } from '../../src/store/sync-tree.ts'

test("files are synced under Yarn's Plug'n'Play, whose file handles have no disposer", async () => {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'hasura-sync-worker-sync-')))
  onTestFinished(() => rm(folder, { recursive: true }))
  await writeFile(join(folder, 'a'), 'a')
  const handle = await open(folder)
  await handle.close()
  const prototype = Object.getPrototypeOf(handle)
  const disposer = Object.getOwnPropertyDescriptor(prototype, Symbol.asyncDispose)
  if (!disposer) throw new Error('Node has no disposer of file handles')
  onTestFinished(() => void Object.defineProperty(prototype, Symbol.asyncDispose, disposer))
  Reflect.deleteProperty(prototype, Symbol.asyncDispose)

  const synced: number[] = []
  await syncTree(folder, async file => {
    await promisify(fsync)(file)
    synced.push(file)
  })
  expect(synced.length).toBeGreaterThan(2)
})
