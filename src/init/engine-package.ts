import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import type { Explanation } from '../explanation.ts'
import { parseJson } from '../json/parse-json.ts'

const versions = z.record(z.string(), z.string())

const manifestSchema = z.object({
  version: z.string(),
  engines: z.object({ node: z.string() }),
  dependencies: versions,
  devDependencies: versions,
  peerDependencies: versions,
  overrides: versions,
  allowScripts: z.record(z.string(), z.boolean()),
})

/** The engine's own package.json. */
export type EngineManifest = z.output<typeof manifestSchema>

/** @param folder of the engine's package */
export async function readEngineManifest(folder: URL): Promise<EngineManifest> {
  return manifestSchema.parse(parseJson(await readFile(new URL('package.json', folder), 'utf8')))
}

/**
 * Refuses a Node that is too old, of which npm only warns, and Bun, on which every login fails.
 *
 * @param engines such as `>=24`
 * @param versions of the running process. Bun has one of Node too
 */
export function findNodeProblem(
  { engines }: Pick<EngineManifest, 'engines'>,
  { node, bun }: { readonly node: string; readonly bun?: string },
): Explanation | undefined {
  const [oldest = 0, own = 0] = [engines.node, node].map(text => Number(/\d+/.exec(text)?.[0]))
  if (bun !== undefined) return { found: `This is Bun ${bun}`, remedy: `run it on Node ${oldest} or later` }
  if (own >= oldest) return undefined
  return { found: `This is Node ${node}`, remedy: `install Node ${oldest} or later` }
}
