import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import type { Explanation } from '../explanation.ts'
import { findJson } from '../json/parse-json.ts'
import type { EngineManifest } from './engine-package.ts'

/** A dependency of the engine for which another version is installed than the one that it was tested with. */
export interface ReplacedPackage {
  readonly name: string
  readonly needed: string
  readonly installed: string
}

/**
 * Finds what the project or its workspace has replaced by an older version or by another major one, as "overrides" and "resolutions"
 * do for every package below them.
 *
 * @param resolve the URL of a package's entry
 */
export async function findReplacedPackages(
  { dependencies }: Pick<EngineManifest, 'dependencies'>,
  resolve: (name: string) => string,
): Promise<readonly ReplacedPackage[]> {
  const packages = Object.entries(dependencies).map(async ([name, needed]) => {
    const installed = await findInstalled(name, resolve)
    return installed !== undefined && isReplaced(installed, needed) ? [{ name, needed, installed }] : []
  })
  return (await Promise.all(packages)).flat()
}

/** @param replaced at least one package */
export function explainReplaced(replaced: readonly ReplacedPackage[]): Explanation {
  const found = replaced.map(({ name, needed, installed }) => `${name} ${installed} in place of ${needed}`)
  const needed = replaced.map(each => `${each.name} ${each.needed}`)
  return {
    found: `hasura-sync-worker can't work with the packages that are installed for it (${found.join(', ')})`,
    remedy: `let "overrides" or "resolutions" in package.json of the project or its workspace give hasura-sync-worker its own ${needed.join(', ')}, and install again`,
  }
}

/** Another API. Before 1.0.0, minor versions may change it. */
export function hasOtherMajor({ needed, installed }: ReplacedPackage): boolean {
  const [own, tested] = [numbersOf(installed), numbersOf(needed)]
  return own[0] !== tested[0] || (own[0] === 0 && own[1] !== tested[1])
}

const manifestSchema = z.object({ name: z.string(), version: z.string() })

async function findInstalled(name: string, resolve: (name: string) => string): Promise<string | undefined> {
  try {
    for (let folder = new URL('./', resolve(name)); folder.pathname !== '/'; folder = new URL('../', folder)) {
      const manifest = await readFile(new URL('package.json', folder), 'utf8').catch(() => '')
      const { data } = manifestSchema.safeParse(findJson(manifest))
      if (data?.name === name) return data.version
    }
  } catch {
    // What is missing, or has types only, is told by whoever imports it.
  }
  return undefined
}

function isReplaced(installed: string, needed: string): boolean {
  const [own, tested] = [numbersOf(installed), numbersOf(needed)]
  const at = tested.findIndex((number, index) => number !== own[index])
  return at >= 0 && (at === 0 || (own[at] ?? 0) < (tested[at] ?? 0) || (at === 1 && own[0] === 0))
}

function numbersOf(version: string): readonly number[] {
  return version.split(/[.+-]/, 3).map(Number)
}
