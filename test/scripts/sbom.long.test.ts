import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { projectFolder, readDocument } from '../docs/markdown.ts'

const bomSchema = z.object({
  bomFormat: z.literal('CycloneDX'),
  components: z.array(
    z.object({
      'bom-ref': z.string(),
      licenses: z.array(z.unknown()).min(1),
      hashes: z.array(z.unknown()).min(1),
    }),
  ),
})
const lockSchema = z.object({
  packages: z.record(
    z.string(),
    z.object({ version: z.string().optional(), dev: z.boolean().default(false), link: z.boolean().default(false) }),
  ),
})

test('the bill of materials has what is shipped, with licences and checksums, and nothing else', async () => {
  const { stdout } = await promisify(execFile)('npm', ['run', '-s', 'sbom'], {
    cwd: projectFolder,
    maxBuffer: 10_000_000,
  })
  const { components } = bomSchema.parse(JSON.parse(stdout))
  const { packages } = lockSchema.parse(JSON.parse(readDocument('package-lock.json')))
  const shipped = Object.entries(packages)
    .filter(([folder, { dev, link }]) => folder.startsWith('node_modules/') && !dev && !link)
    .map(([folder, { version }]) => `${folder.split('node_modules/').at(-1)}@${version}`)
  const listed = components.map(component => component['bom-ref'].replace(/\|.*$/, ''))
  expect(listed.toSorted()).toEqual(shipped.toSorted())
})
