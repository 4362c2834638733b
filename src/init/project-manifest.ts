import { z } from 'zod'
import { ConfigError, messageOf } from '../errors.ts'
import { explainIssues } from '../failures/explain-issues.ts'
import { parseJson } from '../json/parse-json.ts'
import type { EngineManifest } from './engine-package.ts'

const text = z.record(z.string(), z.string())

const manifestSchema = z.looseObject({
  name: z.string().optional(),
  type: z.string().optional(),
  scripts: text.optional(),
  dependencies: text.optional(),
  devDependencies: text.optional(),
  overrides: z.record(z.string(), z.unknown()).optional(),
})

/** The placeholder of `npm init`. */
const placeholder = 'echo "Error: no test specified" && exit 1'

export interface ProjectManifest {
  readonly content: string
  /** What existed and differs from what the engine would write, as sentences. */
  readonly leftAlone: readonly string[]
  /** What an addition means for the files that exist. */
  readonly warning: string | undefined
  /** Whether its script `start` starts the worker. */
  readonly startsWorker: boolean
}

/**
 * Renders a project's package.json: what exists, plus what is missing. Packages get the versions that the engine was tested with.
 *
 * @param existing text of the existing file
 * @param hasExec whether the shell that runs its scripts has `exec`
 * @param isCompiled whether a program of its own is there, which may stop working as a module
 * @throws ConfigError when that isn't the package.json of a project
 */
export function renderManifest(
  engine: EngineManifest,
  name: string,
  existing: string | undefined,
  hasExec: boolean,
  isCompiled = false,
): ProjectManifest {
  const scripts = scriptsIn(hasExec)
  const own = parseManifest(existing ?? JSON.stringify({ name, private: true }))
  // A project with a peer's exact version couldn't update the engine.
  const all = { ...engine.devDependencies, ...engine.dependencies, ...engine.peerDependencies }
  const pick = (...names: string[]) => Object.fromEntries(names.flatMap(key => (all[key] ? [[key, all[key]]] : [])))
  const leftAlone = Object.entries(scripts)
    .filter(([key, script]) => isOther(own.scripts?.[key], script))
    .map(([key, script]) => `script "${key}" of package.json, which init would set to: ${script}`)
  const ownScripts = Object.entries(own.scripts ?? {}).filter(([, script]) => script !== placeholder)
  const isUntouched = own.scripts?.test === placeholder && ownScripts.length === 0
  // npm 11 and later writes `commonjs`, which nobody has chosen.
  const isChosen = own.type !== undefined && !(isUntouched && own.type === 'commonjs')
  const type = isChosen || isCompiled ? own.type : 'module'
  if (type !== 'module') leftAlone.push('"type" of package.json, which must be "module" for the jobs to load')
  const dependencies = pick('@graphql-typed-document-node/core', 'graphql', 'zod')
  const devDependencies = pick(
    '@graphql-codegen/cli',
    '@graphql-codegen/client-preset',
    '@types/node',
    'oidc-provider',
    'typescript',
    'vitest',
  )
  const ownPackages = { ...own.devDependencies, ...own.dependencies }
  leftAlone.push(
    ...Object.entries({ ...dependencies, ...devDependencies })
      .filter(([key, version]) => isOtherMajor(ownPackages[key], version))
      .map(([key, version]) => `${key} ${ownPackages[key]} of package.json, which init would set to: ${version}`),
  )
  const manifest = {
    ...own,
    type,
    scripts: { ...scripts, ...Object.fromEntries(ownScripts) },
    dependencies: { ...dependencies, 'hasura-sync-worker': `^${engine.version}`, ...own.dependencies },
    devDependencies: without({ ...devDependencies, ...own.devDependencies }, own.dependencies ?? {}),
    // npm refuses an override of a package that the project depends on itself.
    overrides: { ...without(pickOverrides(engine), ownPackages), ...own.overrides },
    allowScripts: { ...engine.allowScripts, ...Object(own.allowScripts) },
    engines: { node: engine.engines.node, ...Object(own.engines) },
  }
  return {
    content: `${JSON.stringify(manifest, undefined, findIndent(existing))}\n`,
    leftAlone,
    warning:
      existing !== undefined && type !== own.type
        ? '"type" of package.json is now "module": rename .js files that use require to .cjs'
        : undefined,
    startsWorker: !isOther(own.scripts?.start, scripts.start ?? ''),
  }
}

function scriptsIn(hasExec: boolean): Readonly<Record<string, string>> {
  const exec = hasExec ? 'exec ' : ''
  return {
    start: `${exec}hasura-sync-worker worker`,
    cli: `${exec}hasura-sync-worker`,
    codegen: 'graphql-codegen --config codegen.ts',
    types: 'tsc --noEmit',
    test: 'vitest run',
    // An operation that was edited without codegen would run as it was before. Without npm, which refuses projects of other managers.
    check: 'graphql-codegen --config codegen.ts --check && tsc --noEmit && vitest run',
  }
}

function parseManifest(content: string): z.output<typeof manifestSchema> {
  let manifest: unknown
  try {
    // npm ignores a byte order mark too.
    manifest = parseJson(content.replace(/^\uFEFF/, ''))
  } catch (error) {
    throw unusable(`is not JSON (${messageOf(error)})`)
  }
  const { data, error } = manifestSchema.safeParse(manifest)
  if (error) throw unusable(`is not that of a project (${explainIssues(error, 'package.json')})`)
  if (data.name === 'hasura-sync-worker') {
    throw new ConfigError([
      {
        found: 'package.json has the name of the engine, hasura-sync-worker',
        remedy: 'give your project another name; a checkout of the engine has all of a project already',
      },
    ])
  }
  // Keeps the order of the existing file.
  return { ...Object(manifest), ...data }
}

function unusable(why: string): ConfigError {
  return new ConfigError([{ found: `package.json ${why}`, remedy: 'correct it, or choose another folder' }])
}

function isOther(found: string | undefined, wanted: string): boolean {
  return found !== undefined && found !== wanted && found !== placeholder
}

/** Of packages that a project installs; the others are of tools with which only the engine is developed. */
function pickOverrides({ overrides }: EngineManifest): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(overrides).filter(([name]) => ['@graphql-tools/delegate', 'msgpackr-extract'].includes(name)),
  )
}

/** The engine was tested with one major version of each package; others may have another API. */
function isOtherMajor(found: string | undefined, wanted: string): boolean {
  const [own, tested] = [found, wanted].map(version => /^[\^~]?(\d+)/.exec(version ?? '')?.[1])
  return own !== undefined && own !== tested
}

/** As npm does: the file's own. */
function findIndent(existing = ''): string {
  return /^[[{][^\S\n]*\n([ \t]+)/.exec(existing.replaceAll('\r\n', '\n'))?.[1] ?? '  '
}

function without(packages: Readonly<Record<string, string>>, others: Readonly<Record<string, string>>) {
  return Object.fromEntries(Object.entries(packages).filter(([name]) => !(name in others)))
}
