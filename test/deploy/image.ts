import { cp, mkdir, readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { z } from 'zod'
import { type Instruction, parseDockerfile } from './dockerfile.ts'
import { runInRoot } from './run-in-root.ts'

/** What a Dockerfile makes. */
export interface Image {
  /** Its root folder, without the operating system. */
  readonly root: string
  readonly environment: Readonly<Record<string, string>>
  readonly workingFolder: string
  readonly user: string
  readonly volumes: readonly string[]
  readonly command: readonly string[]
  readonly healthCheck: readonly string[]
}

export interface BuildOptions {
  /** Where `COPY` finds files. */
  readonly context: string
  /** Gets a root folder for each stage. */
  readonly folder: string
  /** Puts what a registry would have into the root of a stage, before its instructions. */
  readonly prepare?: (root: string) => Promise<void>
}

/** Follows a Dockerfile without Docker: files are copied, and commands run, in a root folder per stage. */
export async function buildImage(dockerfile: string, options: BuildOptions): Promise<Image> {
  const roots = new Map<string, string>()
  let image: Image | undefined
  for (const { name, instructions } of parseDockerfile(await readFile(dockerfile, 'utf8'))) {
    const root = join(options.folder, name)
    await mkdir(root, { recursive: true })
    await options.prepare?.(root)
    image = empty(root)
    for (const instruction of instructions) image = await follow(image, instruction, { ...options, roots })
    roots.set(name, root)
  }
  if (!image) throw new Error(`${dockerfile} has no stage`)
  return image
}

function empty(root: string): Image {
  return { root, environment: {}, workingFolder: '/', user: 'root', volumes: [], command: [], healthCheck: [] }
}

async function follow(
  image: Image,
  { keyword, rest }: Instruction,
  { context, roots }: BuildOptions & { readonly roots: ReadonlyMap<string, string> },
): Promise<Image> {
  switch (keyword) {
    case 'ENV': {
      const given = [...rest.matchAll(/(\w+)=(\S*)/g)].map(([, name = '', value = '']) => [name, value] as const)
      return { ...image, environment: { ...image.environment, ...Object.fromEntries(given) } }
    }
    case 'WORKDIR':
      await mkdir(join(image.root, rest), { recursive: true })
      return { ...image, workingFolder: rest }
    case 'COPY':
      await copy(image, rest, stage => (stage === undefined ? context : (roots.get(stage) ?? '')))
      return image
    case 'RUN':
      await build(image, rest)
      return image
    case 'USER':
      return { ...image, user: rest }
    case 'VOLUME':
      return { ...image, volumes: rest.split(' ') }
    case 'CMD':
      return { ...image, command: words.parse(JSON.parse(rest)) }
    case 'HEALTHCHECK':
      return { ...image, healthCheck: words.parse(JSON.parse(rest.slice(rest.indexOf('[')))) }
    case 'EXPOSE':
      return image
    default:
      throw new Error(`${keyword} is not known here`)
  }
}

const words = z.array(z.string())

async function copy(image: Image, rest: string, folderOf: (stage: string | undefined) => string): Promise<void> {
  const [, stage, paths = ''] = /^(?:--from=(\w+) )?(.*)$/.exec(rest) ?? []
  const sources = paths.split(' ')
  const target = sources.pop() ?? ''
  const to = target.startsWith('/') ? join(image.root, target) : join(image.root, image.workingFolder, target)
  for (const source of sources) {
    const copied = target.endsWith('/') ? join(to, basename(source)) : to
    await mkdir(dirname(copied), { recursive: true })
    await cp(join(folderOf(stage), source), copied, { recursive: true, verbatimSymlinks: true })
  }
}

/** With this machine's registry, certificates and npm cache. */
async function build(image: Image, command: string): Promise<void> {
  await using running = runInRoot(['sh', '-euc', command], {
    ...image,
    isReadOnly: false,
    binds: [{ source: homedir(), target: '/root', isReadOnly: false }],
    environment: { ...process.env, ...image.environment, npm_config_prefer_offline: 'true' },
  })
  if ((await running.exitCode) !== 0) throw new Error(`RUN ${command}:\n${running.output()}`)
}
