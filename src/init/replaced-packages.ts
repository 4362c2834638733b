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
  /** The engine may lack what an older API doesn't have, which shows late, and as something else. */
  readonly isOutdated: boolean
}

/**
 * Finds what is installed in an older version or in another major one: "overrides" and "resolutions" of the project or its workspace
 * hold for every package below them, and a checkout may have been updated without its packages.
 *
 * @param resolve the URL of a package's entry
 */
export async function findReplacedPackages(
  { dependencies }: Pick<EngineManifest, 'dependencies'>,
  resolve: (name: string) => string,
): Promise<readonly ReplacedPackage[]> {
  const packages = Object.entries(dependencies).map(async ([name, needed]) => {
    const installed = await findInstalled(name, resolve)
    const difference = installed && findDifference(installed, needed)
    return difference ? [{ name, needed, installed, ...difference }] : []
  })
  return (await Promise.all(packages)).flat()
}

/**
 * @param found what that means
 * @param replaced at least one package
 */
export function explainReplaced(found: string, replaced: readonly ReplacedPackage[]): Explanation {
  const installed = replaced.map(each => `${each.name} ${each.installed} in place of ${each.needed}`)
  const needed = replaced.map(each => `${each.name} ${each.needed}`)
  return {
    found: `${found} (${installed.join(', ')})`,
    remedy: `install again, such as with npm ci; if "overrides" or "resolutions" in package.json of the project or its workspace replace them, let these give hasura-sync-worker its own ${needed.join(', ')}`,
  }
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

/** Another major version has another API; before 1.0.0, so may another minor one. */
function findDifference(installed: string, needed: string): Pick<ReplacedPackage, 'isOutdated'> | undefined {
  const [own, tested] = [numbersOf(installed), numbersOf(needed)]
  const at = tested.findIndex((number, index) => number !== own[index])
  if (at < 0) return undefined
  const isOlder = (own[at] ?? 0) < (tested[at] ?? 0)
  const hasOtherApi = at === 0 || (at === 1 && own[0] === 0)
  return isOlder || hasOtherApi ? { isOutdated: isOlder && hasOtherApi } : undefined
}

function numbersOf(version: string): readonly number[] {
  return version.split(/[.+-]/, 3).map(Number)
}
