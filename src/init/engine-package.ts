import { readFile } from 'node:fs/promises'
import { z } from 'zod'

const versions = z.record(z.string(), z.string())

const manifestSchema = z.object({
  version: z.string(),
  engines: versions,
  dependencies: versions,
  devDependencies: versions,
  overrides: versions,
  allowScripts: z.record(z.string(), z.boolean()),
})

/** What the engine's own package.json says. */
export type EngineManifest = z.output<typeof manifestSchema>

/** @param folder of the engine's package */
export async function readEngineManifest(folder: URL): Promise<EngineManifest> {
  return manifestSchema.parse(JSON.parse(await readFile(new URL('package.json', folder), 'utf8')))
}
