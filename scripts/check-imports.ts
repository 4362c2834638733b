/**
 * Imports go one way, and in no circle:
 * main, cli → app → init → provision → doctor, add → http → forget → runs, schedules, queue → jobs → pull →
 * changes, mirror → gate, definitions → auth, hasura, rest, store → generated → what is free to all.
 * Prints each import that breaks this and exits with 1.
 */
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, sep } from 'node:path'

/** A part may import from its own floor and from those below. */
const floors: readonly (readonly string[])[] = [
  ['main', 'cli', 'index', 'codegen', 'testing'],
  ['app'],
  ['init'],
  ['provision'],
  ['doctor', 'add'],
  ['http'],
  ['forget'],
  ['runs', 'schedules', 'queue'],
  ['jobs'],
  ['pull', 'webhooks'],
  ['changes', 'mirror'],
  ['gate', 'definitions'],
  ['auth', 'hasura', 'rest', 'store'],
  ['generated'],
  ['account', 'config', 'errors', 'failures', 'log', 'names', 'outgoing', 'time', 'words'],
]

/** Packages that one folder alone may import, and further arrows that the floors would allow. */
const packagesOf: Readonly<Record<string, readonly string[]>> = {
  commander: ['cli'],
  bullmq: ['queue'],
  ioredis: ['queue'],
  'openid-client': ['auth'],
  'graphql-request': ['hasura'],
  undici: ['outgoing'],
  fastify: ['http'],
  pg: ['store'],
  '@electric-sql/pglite': ['store'],
}
const forbidden: readonly (readonly [from: string, to: string])[] = [
  ['auth', 'hasura'],
  ['auth', 'store'],
  ['hasura', 'store'],
  ['store', 'hasura'],
  ['store', 'auth'],
  ['auth', 'rest'],
  ['hasura', 'rest'],
  ['store', 'rest'],
  ['rest', 'hasura'],
  ['rest', 'store'],
  ['queue', 'runs'],
  ['queue', 'schedules'],
  // A job reaches an API through its session alone.
  ['definitions', 'auth'],
  ['jobs', 'auth'],
]

const files = globSync('src/**/*.ts').map(file => file.split(sep).join('/'))
const imports = new Map(files.map(file => [file, readImports(file)]))
const problems = [...findForbidden(), ...findCycles()]
for (const problem of problems) console.error(problem)
console.log(`${files.length} files, ${problems.length} forbidden imports`)
process.exitCode = problems.length > 0 ? 1 : 0

interface Import {
  readonly target: string
  readonly typeOnly: boolean
}

function readImports(file: string): Import[] {
  const text = readFileSync(file, 'utf8')
  const statements = text.matchAll(/^(?:import|export)\s+(type\s)?[^'"]*?from\s+'([^']+)'|import\('([^']+)'\)/gm)
  return [...statements].map(([, type, from, dynamic]) => ({
    target: resolve(file, from ?? dynamic ?? ''),
    typeOnly: type !== undefined,
  }))
}

function resolve(file: string, target: string): string {
  return target.startsWith('.')
    ? normalize(join(dirname(file), target))
        .split(sep)
        .join('/')
    : target
}

function partOf(file: string): string {
  const [, part = ''] = file.split('/')
  return part.replace(/\.ts$/, '')
}

function floorOf(part: string): number {
  const floor = floors.findIndex(parts => parts.includes(part))
  if (floor < 0) throw new Error(`src/${part} stands on no floor: give it one in scripts/check-imports.ts`)
  return floor
}

function* findForbidden(): Generator<string> {
  for (const [file, targets] of imports) {
    const from = partOf(file)
    for (const { target } of targets) {
      if (!target.startsWith('src/')) {
        const name = target.startsWith('@') ? target.split('/').slice(0, 2).join('/') : (target.split('/')[0] ?? '')
        const owners = packagesOf[name]
        if (owners && !owners.includes(from))
          yield `${file} imports ${name}, which belongs to ${owners.join(', ')} alone`
        continue
      }
      const to = partOf(target)
      const upward = floorOf(to) < floorOf(from)
      if (upward || forbidden.some(([a, b]) => a === from && b === to)) yield `${file} must not import ${target}`
    }
  }
}

/** Types are erased, so only imports of values can run in a circle. */
function* findCycles(): Generator<string> {
  const done = new Set<string>()
  function* visit(file: string, path: readonly string[]): Generator<string> {
    if (path.includes(file)) {
      yield `imports in a circle: ${[...path.slice(path.indexOf(file)), file].join(' → ')}`
      return
    }
    if (done.has(file)) return
    for (const { target, typeOnly } of imports.get(file) ?? []) {
      if (!typeOnly) yield* visit(target, [...path, file])
    }
    done.add(file)
  }
  for (const file of files) yield* visit(file, [])
}
