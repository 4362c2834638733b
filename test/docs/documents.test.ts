import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { jobs } from '../../examples/wiki/src/jobs/list.ts'
import { flagOf } from '../../src/cli/command.ts'
import { commandGroups, commands } from '../../src/cli/commands.ts'
import { parseArguments } from '../../src/cli/parse-arguments.ts'
import { documents, findCommands, findLinks, projectFolder, readDocument, wordsOf } from './markdown.ts'

const { name, scripts, dependencies, devDependencies } = z
  .object({
    name: z.string(),
    scripts: z.record(z.string(), z.string()),
    dependencies: z.record(z.string(), z.string()),
    devDependencies: z.record(z.string(), z.string()),
  })
  .parse(JSON.parse(readDocument('package.json')))

const configuration = [
  'src/config/config.ts',
  // How `.env` is read concerns no variable of its own.
  ...globSync('src/config/*.ts', { cwd: projectFolder }).filter(path => !path.endsWith('read-env-file.ts')),
  'src/provision/admin-login.ts',
]
  .map(readDocument)
  .join('\n')
const readme = readDocument('README.md')
const commandTable = readDocument('docs/commands.md')
const variableTable = readDocument('docs/configuration.md')

/** Read by Node itself when a process starts. */
const variablesOfNode = ['NODE_EXTRA_CA_CERTS', 'NODE_OPTIONS', 'UV_THREADPOOL_SIZE']

/** Of the compose file that `init` writes. */
const variablesOfCompose = ['POSTGRES_PASSWORD']

/** Read by OpenTelemetry's SDK. */
const variablesOfSdk = ['OTEL_EXPORTER_OTLP_ENDPOINT']

/** Read by Hasura. */
const variablesOfHasura = ['HASURA_GRAPHQL_WEBSOCKET_QUEUE_SIZE']

/** A setting of every webhook. */
const variablesOfWebhooks = ['WEBHOOK_PRIVATE_HOSTS']

/** Read by the tests themselves. */
const variablesOfTests = ['PROTOCOL_FAULTS']

/** The settings of a job that the documents write as an example. */
const variablesOfExamples = ['SEARCH_URL', 'SEARCH_URL_FILE']

describe.each(documents)('%s', path => {
  const text = readDocument(path)

  test.each(unique(findCommands(text)))('tells a command that exists: %s', command => {
    expect(findProblem(command)).toBeUndefined()
  })

  test.each(unique(findLinks(text)))('links to something: %s', link => {
    const [file = '', anchor] = link.split('#')
    const target = file === '' ? join(projectFolder, path) : join(projectFolder, dirname(path), file)
    expect(existsSync(target)).toBe(true)
    if (anchor) expect(anchorsOf(readFileSync(target, 'utf8'))).toContain(anchor)
  })

  test.each(unique(findVariables(text)))('names a variable that exists: %s', variable => {
    const others = [
      ...variablesOfNode,
      ...variablesOfCompose,
      ...variablesOfSdk,
      ...variablesOfHasura,
      ...variablesOfWebhooks,
      ...variablesOfTests,
      ...variablesOfExamples,
    ]
    expect([...supportedVariables(), ...others]).toContain(variable)
  })
})

describe('the tables leave nothing out', () => {
  test.each([...commands])('command $name and its options', ({ name, options }) => {
    const usages = [...commandTable.matchAll(new RegExp(`\`${name}((?: [^\`]*)?)\``, 'g'))].map(([, rest = '']) => rest)
    expect(usages).not.toEqual([])
    for (const option of Object.keys(options).map(flagOf)) {
      expect(usages.filter(usage => usage.includes(option))).not.toEqual([])
    }
  })

  test.each(supportedVariables())('variable %s', variable => {
    expect(variableTable).toContain(`\`${variable}\``)
  })

  test.each(Object.keys({ ...dependencies, ...devDependencies }))('package %s', name => {
    expect(readme).toContain(`\`${name}\``)
  })
})

test.each(supportedVariables())('.env.example has %s', variable => {
  expect(readDocument('.env.example')).toMatch(new RegExp(`^(?:# )?${variable}=`, 'm'))
})

test('.env.example has no variable that means nothing', () => {
  const named = [...readDocument('.env.example').matchAll(/^(?:# )?([A-Z][A-Z_]+)=/gm)].map(([, name]) => name)
  expect(named.filter(name => !supportedVariables().includes(name ?? ''))).toEqual([])
})

/** @returns what is wrong with a command of a shell block, in words */
function findProblem(command: string): string | undefined {
  const words = wordsOf(command)
  // What openssl and rm are told is followed in tests of their own.
  if (/^(?:umask 077|openssl .+|rm .+|git config core.hooksPath .githooks)$/.test(command)) return undefined
  if (/^npm install(?: hasura-sync-worker| @opentelemetry\/sdk-node)?$/.test(command)) return undefined
  if (words[0] === 'cd') return existsSync(join(projectFolder, words[1] ?? '')) ? undefined : 'there is no such folder'
  if (words[0] === 'docker' || words[0] === 'kubectl') {
    const main = words.findIndex(word => /(?:^|\/)main\.[jt]s$/.test(word))
    return main < 0 ? undefined : findCommandProblem(words.slice(main + 1))
  }
  if (words[0] === 'npx' && words[1] === name) return findCommandProblem(words.slice(2))
  if (words[0] !== 'npm') return 'only npm, npx, docker, kubectl, openssl and rm are known to the reader'
  const [subcommand = '', ...rest] = words.slice(1)
  if (['ci', 'test', 'start'].includes(subcommand)) return undefined
  const [script = '', ...more] = rest.filter(word => word !== '-s' && word !== '--')
  if (subcommand !== 'run' || !(script in scripts)) return `there is no script "${script}"`
  return script === 'cli' ? findCommandProblem(more) : undefined
}

function findCommandProblem(args: string[]): string | undefined {
  try {
    const asked = parseArguments({ commands, groups: commandGroups, version: '1.2.3', columns: 100 }, args)
    const known = [...jobs.map(job => job.name), 'sync-article-links']
    const { job } = asked.command ? asked.given : {}
    const names = asked.command && 'job' in asked.command.arguments
    return names && !known.includes(String(job)) ? `there is no job "${job}"` : undefined
  } catch (error) {
    return String(error)
  }
}

/** Names in capitals in the text's own words, not those of other systems. */
function findVariables(text: string): string[] {
  const named = [...text.matchAll(/`([A-Z]+(?:_[A-Z]+)+|HOST|PORT|SCOPE)(?:=[^`]*)?`/g)].map(([, name = '']) => name)
  return unique(named)
}

function supportedVariables(): string[] {
  const read = configuration.matchAll(/env\.([A-Z][A-Z_]+)|'([A-Z][A-Z_]{3,})'|[{,] ([A-Z][A-Z_]{3,}):/g)
  const names = [...read].map(([, member, text, destructured]) => member ?? text ?? destructured ?? '')
  // One that ends with an underscore is the beginning of several, and those of Node are not ours.
  const isOwn = (name: string) => !name.endsWith('_') && !name.startsWith('NODE_')
  return unique([...names, 'ACCOUNTS_FILE'].filter(isOwn)).toSorted()
}

/** As GitHub makes them of headings. */
function anchorsOf(text: string): string[] {
  const headings = [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => heading)
  return headings.map(heading =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w -]/g, '')
      .replaceAll(' ', '-'),
  )
}

function unique(values: readonly string[]): string[] {
  return [...new Set(values)]
}
