/**
 * Checks imports against the table in docs/architecture.md: it says which folder may import which, and a row names only folders
 * further down, and only imports that exist. Its layout must describe every folder, and files must not form import cycles. Prints
 * violations and exits with 1.
 */
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, sep } from 'node:path'

/** Packages that only one folder may import. */
const packagesOf: Readonly<Record<string, readonly string[]>> = {
  commander: ['cli'],
  bullmq: ['queue'],
  ioredis: ['queue'],
  'openid-client': ['auth', 'dashboard'],
  'graphql-request': ['hasura'],
  undici: ['outgoing'],
  'prom-client': ['metrics'],
  '@opentelemetry/api': ['traces', 'main'],
  fastify: ['http', 'dashboard'],
  pg: ['store'],
  '@electric-sql/pglite': ['store'],
}

const architecture = readFileSync('docs/architecture.md', 'utf8')
const rows = readTable(architecture)
const files = globSync('src/**/*.ts').map(file => file.split(sep).join('/'))
const imports = new Map(files.map(file => [file, readImports(file)]))
const problems = [...findWrongRows(), ...findUndescribed(), ...findUnused(), ...findForbidden(), ...findCycles()]
for (const problem of problems) console.error(problem)
console.log(`${files.length} files, ${problems.length} forbidden imports`)
process.exitCode = problems.length > 0 ? 1 : 0

interface Row {
  readonly isForAll: boolean
  readonly imports: readonly string[]
}

/** In the table's order. */
function readTable(text: string): ReadonlyMap<string, Row> {
  const table = text.slice(text.indexOf('| folder | imports |'))
  const lines = table.slice(0, table.indexOf('\n\n')).split('\n').slice(2)
  return new Map(
    lines.flatMap(line => {
      const [, parts = '', imports = ''] = line.split('|')
      const row = { isForAll: parts.includes("everybody's"), imports: namesIn(imports) }
      return namesIn(parts).map(part => [part, row] as const)
    }),
  )
}

function namesIn(cell: string): readonly string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name)
}

function readImports(file: string): readonly string[] {
  const text = readFileSync(file, 'utf8')
  const statements = text.matchAll(/^(?:import|export)\s[^'"]*?from\s+'([^']+)'|import\('([^']+)'\)/gm)
  return [...statements].map(([, from, dynamic]) => resolve(file, from ?? dynamic ?? ''))
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

function* findWrongRows(): Generator<string> {
  const parts = [...rows.keys()]
  const there = new Set(files.map(partOf))
  for (const [part, { imports: named }] of rows) {
    if (!there.has(part)) yield `docs/architecture.md has a row for src/${part}, which doesn't exist`
    for (const to of named) {
      if (parts.indexOf(to) <= parts.indexOf(part)) yield `docs/architecture.md: ${to} has no row below that of ${part}`
    }
  }
}

/** The layout describes each folder, at the top and in src, each file beside main.ts, and none that isn't there. */
function* findUndescribed(): Generator<string> {
  const start = architecture.indexOf('```\nsrc/') + 4
  const layout = architecture.slice(start, architecture.indexOf('```', start))
  const top = new Set([...layout.matchAll(/^(\w+)\//gm)].map(([, folder = '']) => folder))
  const ignored = new Set(readFileSync('.gitignore', 'utf8').split('\n'))
  const there = globSync('*/').map(folder => folder.replace(/[/\\]$/, ''))
  for (const folder of there) {
    if (!top.has(folder) && !ignored.has(`${folder}/`))
      yield `docs/architecture.md: the layout doesn't say what ${folder} is`
  }
  for (const folder of top) {
    // A checkout whose jobs were removed has no operations.
    if (folder !== 'graphql' && !there.includes(folder))
      yield `docs/architecture.md: the layout describes ${folder}, which is not there`
  }
  for (const file of files.filter(file => file.split('/').length === 2)) {
    const name = file.slice('src/'.length)
    if (!layout.includes(name)) yield `docs/architecture.md: the layout doesn't say what ${file} is`
  }
  const described = new Set([...layout.matchAll(/^ {2}(\w+)\//gm)].map(([, folder = '']) => folder))
  const folders = new Set(files.filter(file => file.split('/').length > 2).map(partOf))
  for (const folder of folders) {
    if (!described.has(folder)) yield `docs/architecture.md: the layout doesn't describe src/${folder}`
  }
  for (const folder of described) {
    if (!folders.has(folder)) yield `docs/architecture.md: the layout describes src/${folder}, which doesn't exist`
  }
}

/** Some file must use every import that a row allows. */
function* findUnused(): Generator<string> {
  for (const [part, { imports: named }] of rows) {
    const targets = files.filter(file => partOf(file) === part).flatMap(file => imports.get(file) ?? [])
    const used = new Set(targets.filter(target => target.startsWith('src/')).map(partOf))
    for (const to of named) if (!used.has(to)) yield `docs/architecture.md lets ${part} import ${to}, which it doesn't`
  }
}

function* findForbidden(): Generator<string> {
  for (const [file, targets] of imports) {
    const from = partOf(file)
    const row = rows.get(from)
    if (!row) yield `src/${from} has no row in the table of docs/architecture.md`
    for (const target of targets) {
      if (!target.startsWith('src/')) {
        const name = target.startsWith('@') ? target.split('/').slice(0, 2).join('/') : (target.split('/')[0] ?? '')
        const owners = packagesOf[name]
        if (owners && !owners.includes(from))
          yield `${file} imports ${name}, which only ${owners.join(', ')} may import`
        continue
      }
      const to = partOf(target)
      const isFree = !row?.isForAll && rows.get(to)?.isForAll
      if (from !== to && !isFree && !row?.imports.includes(to)) {
        yield `${file} must not import ${target}: see the table in docs/architecture.md`
      }
    }
  }
}

function* findCycles(): Generator<string> {
  const done = new Set<string>()
  function* visit(file: string, path: readonly string[]): Generator<string> {
    if (path.includes(file)) {
      yield `import cycle: ${[...path.slice(path.indexOf(file)), file].join(' → ')}`
      return
    }
    if (done.has(file)) return
    for (const target of imports.get(file) ?? []) yield* visit(target, [...path, file])
    done.add(file)
  }
  for (const file of files) yield* visit(file, [])
}
