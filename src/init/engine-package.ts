import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { ConfigError } from '../errors.ts'
import type { Explanation } from '../explanation.ts'
import { findJson } from '../json/parse-json.ts'

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

/** The engine's own package.json; no other has all of these. Its name may be another one, as a company's registry wants it. */
export type EngineManifest = z.output<typeof manifestSchema>

/**
 * @param folder of the engine's package
 * @throws ConfigError when it isn't there, because the engine's code has been bundled or copied elsewhere
 */
export async function readEngineManifest(folder: URL): Promise<EngineManifest> {
  const file = new URL('package.json', folder)
  const { data } = manifestSchema.safeParse(findJson(await readFile(file, 'utf8').catch(() => '')))
  if (data) return data
  throw new ConfigError([
    {
      found: `${fileURLToPath(file)} is not the package.json of hasura-sync-worker, which cannot be bundled`,
      remedy: 'run it from node_modules: node node_modules/hasura-sync-worker/dist/main.js worker',
    },
  ])
}

/**
 * Refuses a Node that is too old, of which npm only warns, Bun, on which every login fails, and a Node that neither reads TypeScript nor
 * sends requests.
 *
 * @param engines such as `>=24`
 * @param versions of the running process. Bun has one of Node too
 * @param hasWebAssembly false with `--jitless`, which systems are given that forbid writable code
 */
export function findNodeProblem(
  { engines }: Pick<EngineManifest, 'engines'>,
  { node, bun }: { readonly node: string; readonly bun?: string },
  hasWebAssembly: boolean,
): Explanation | undefined {
  const [oldest = 0, own = 0] = [engines.node, node].map(text => Number(/\d+/.exec(text)?.[0]))
  if (bun !== undefined) return { found: `This is Bun ${bun}`, remedy: `run it on Node ${oldest} or later` }
  if (own >= oldest) return hasWebAssembly ? undefined : withoutWebAssembly
  return { found: `This is Node ${node}`, remedy: `install Node ${oldest} or later` }
}

const withoutWebAssembly: Explanation = {
  found: 'This Node has no WebAssembly, which reading TypeScript and sending requests need',
  remedy: 'start it without --jitless, where programs may write code (systemd: without MemoryDenyWriteExecute)',
}
