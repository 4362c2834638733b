import { execFile } from 'node:child_process'
import { lstat, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { projectFolder, readDocument } from '../docs/markdown.ts'

const execute = promisify(execFile)

const lockSchema = z.object({
  packages: z.record(
    z.string(),
    z.object({
      integrity: z.string().optional(),
      link: z.boolean().optional(),
      hasInstallScript: z.boolean().optional(),
      optionalDependencies: z.record(z.string(), z.string()).default({}),
    }),
  ),
})
const manifestSchema = z.object({
  allowScripts: z.record(z.string(), z.boolean()).default({}),
  peerDependencies: z.record(z.string(), z.string()).default({}),
})

describe.each(['package-lock.json', 'tools/node/package-lock.json'])('%s', path => {
  const { packages } = lockSchema.parse(JSON.parse(readDocument(path)))
  const installed = Object.entries(packages).filter(([folder, { link }]) => folder.includes('node_modules/') && !link)

  test('has a checksum for everything that is installed', () => {
    expect(installed.filter(([, { integrity }]) => !integrity?.startsWith('sha512-'))).toEqual([])
  })

  test('names every platform package that it may install', () => {
    const wanted = Object.values(packages).flatMap(({ optionalDependencies }) => Object.keys(optionalDependencies))
    const locked = new Set(installed.map(([folder]) => folder.split('node_modules/').at(-1)))
    expect(wanted.filter(name => !locked.has(name))).toEqual([])
  })
})

test('no package may run a script when it is installed', () => {
  const { allowScripts } = manifestSchema.parse(JSON.parse(readDocument('package.json')))
  expect(Object.values(allowScripts)).not.toContain(true)
  const { packages } = lockSchema.parse(JSON.parse(readDocument('tools/node/package-lock.json')))
  expect(Object.values(packages).filter(({ hasInstallScript }) => hasInstallScript)).toEqual([])
})

test.each(['package.json', 'packages/client/package.json'])('%s lets its users update a peer', path => {
  const { peerDependencies } = manifestSchema.parse(JSON.parse(readDocument(path)))
  expect(Object.entries(peerDependencies).filter(([, range]) => !range.startsWith('^'))).toEqual([])
})

/** No digest of these is published where a second source confirms it; by their version they are still exact. */
const withoutDigest = ['hasura/graphql-engine:v2.48.5.cli-migrations-v3']

const imageFiles = ['Dockerfile', 'templates/project/Dockerfile', 'templates/project/compose.yaml']

test.each([...imageFiles, 'examples/wiki/compose.yaml'])('every image is pinned by its digest: %s', path => {
  const images = [...readDocument(path).matchAll(/^(?:ARG NODE_IMAGE=|FROM | +image: )(\S+)/gm)].map(
    ([, image = '']) => image,
  )
  expect(images.length).toBeGreaterThan(0)
  const pinned = /^\$\{NODE_IMAGE\}$|^[\w./-]+:[\w.-]+@sha256:[\da-f]{64}$/
  expect(images.filter(image => !pinned.test(image) && !withoutDigest.includes(image))).toEqual([])
})

test('npm audits what users install', () => {
  expect(readDocument('.npmrc')).not.toContain('audit')
})

test('all licences of what is shipped are accepted', async () => {
  const { stdout } = await execute(process.execPath, ['scripts/licences.ts'], { cwd: projectFolder })
  expect(stdout).toMatch(/^MIT +fastify@/m)
})

test('on a Node that is new enough nothing is installed, and the link of an older one is removed', async () => {
  const project = await mkdtemp(join(tmpdir(), 'hasura-sync-worker-node-'))
  try {
    const binaries = join(project, 'node_modules/.bin')
    await mkdir(binaries, { recursive: true })
    await mkdir(join(project, 'scripts'))
    await writeFile(join(project, 'scripts/provide-node.mjs'), readDocument('scripts/provide-node.mjs'))
    await symlink('/nowhere/node', join(binaries, 'node'))
    // What would install something can't be started.
    const env = { npm_node_execpath: process.execPath, npm_execpath: '/nowhere/npm' }
    await execute(process.execPath, [join(project, 'scripts/provide-node.mjs')], { env })
    await expect(lstat(join(binaries, 'node'))).rejects.toThrow('ENOENT')

    // Where it is too old, and nothing can be installed, it says so.
    const old = join(project, 'old-node')
    await writeFile(old, '#!/bin/sh\necho 20.20.2\n', { mode: 0o755 })
    const failing = execute(process.execPath, [join(project, 'scripts/provide-node.mjs')], {
      env: { npm_node_execpath: old },
    })
    await expect(failing).rejects.toThrow('install Node 24 or later')
  } finally {
    await rm(project, { recursive: true })
  }
})
