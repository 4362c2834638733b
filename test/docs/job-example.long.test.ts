import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { promisify } from 'node:util'
import { expect } from 'vitest'
import { run as runHere } from '../cli/run-command.ts'
import { copyCheckout } from '../fixtures/copy-project.ts'
import { sandboxTest } from '../fixtures/sandbox-test.ts'
import { wikiProject } from '../fixtures/wiki-project.ts'
import {
  documents,
  findCodeBlocks,
  findCommands,
  findSection,
  projectFolder,
  readDocument,
  wordsOf,
} from './markdown.ts'

const execute = promisify(execFile)
const binaries = join(projectFolder, 'node_modules/.bin')
const nodeOptions = '--conditions=@hasura-sync-worker/source'

let copy = ''

const test = sandboxTest
  .extend(
    'sandboxOptions',
    { scope: 'file' },
    { clients: [{ clientId: 'reader', clientSecret: 'secret', roles: ['viewer'], email: 'reader@wiki.example' }] },
  )
  .extend('environment', ({ sandbox }) => (): Record<string, string> => {
    return {
      OIDC_ISSUER: sandbox.idp.issuer,
      CLIENT_ID: 'reader',
      CLIENT_SECRET: 'secret',
      HASURA_URL: sandbox.hasura.url,
    }
  })
  .extend('cli', ({ environment }) => async (...words: string[]): Promise<string> => {
    const { stdout } = await execute(process.execPath, [join(copy, 'src/main.ts'), ...words], {
      cwd: copy,
      env: environment(),
    })
    return stdout
  })
  /** Through the worker, from this process: starting one for each command would take minutes. */
  .extend('give', ({ cli, environment }) => async (...words: string[]): Promise<void> => {
    // These look at the files of the copy.
    if (words[0] === 'schema' || words[0] === 'doctor') await cli(...words)
    else {
      const done = await runHere({ ...environment(), DATA_DIR: join(copy, '.data') }, ...words)
      expect({ words, ...done }).toMatchObject({ words, code: 0 })
    }
  })

/** Follows "A job in a minute", and the other job of the guide, in a copy of the project. */
test.beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'docs-'))
  const parts = ['test/fixtures', 'test/sandbox', 'test/services', 'examples', 'vitest.config.ts']
  copy = await copyCheckout(folder, parts)
  // Its API is the sandbox's, and the other documents run the jobs of its wiki.
  for (const part of ['graphql', 'src']) await cp(join(wikiProject.folder, part), join(copy, part), { recursive: true })
  const blocks = findCodeBlocks(findSection(readDocument('docs/writing-a-job.md'), 'A job in a minute'))
  for (const { before, code } of blocks) {
    const file = /^`([\w./-]+)`:/m.exec(before)?.[1]
    if (file === 'src/jobs/list.ts')
      await editList(join(copy, file), code.replace('[', '[syncUsers, syncTopics, syncArticles, '))
    else if (file !== undefined) await write(join(copy, file), code)
  }
  const guide = findCodeBlocks(findSection(readDocument('docs/writing-a-job.md'), 'Any other job'))
  const [other, line] = guide.filter(block => block.language === 'ts').map(block => block.code)
  await write(join(copy, 'src/jobs/greet-user.ts'), other ?? '')
  await editList(join(copy, 'src/jobs/list.ts'), `import { greetUser } from './greet-user.ts'\n${line}`)
})

test.afterAll(async () => {
  await rm(dirname(copy), { recursive: true, force: true })
})

test('types are generated for it', async () => {
  await run('graphql-codegen', '--config', 'codegen.ts')
  expect(await readFile(join(copy, 'src/generated/graphql.ts'), 'utf8')).toContain('PullArticleLinksDocument')
})

test('it compiles', async () => {
  await writeFile(
    join(copy, 'tsconfig.json'),
    (await readFile(join(copy, 'tsconfig.json'), 'utf8')).replace(/"include": .*/, '"include": ["src", "test/jobs"]'),
  )
  await run('tsc', '--noEmit', '-p', '.')
})

test('its test passes', async () => {
  await run('vitest', 'run', 'test/jobs')
})

test('the commands run it', async ({ cli }) => {
  const mirrored = await cli('run', 'sync-article-links')
  expect(mirrored).toMatch(/^sync-article-links: done \(\d+ read, \d+ inserted/)
  const user = 'a0000000-0000-4000-8000-000000000001'
  const greeted = await cli('run', 'greet-user', '--payload', JSON.stringify({ userId: user }))
  expect(greeted).toContain('greet-user: done (1 read)')
})

test('every command of the documents can be given to a running worker', async ({ environment, give }) => {
  const worker = spawn(process.execPath, [join(copy, 'src/main.ts'), 'worker'], {
    cwd: copy,
    env: { ...environment(), PORT: '0' },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  try {
    await isReady(worker.stderr)
    // Afterwards nothing of it is still under way, which `forget` would refuse to interrupt.
    await give('bootstrap', '--wait')
    const commands = documents.flatMap(path => findCommands(readDocument(path)))
    for (const command of new Set(commands)) {
      const words = wordsOf(/^npm run -s cli -- (.+)$/.exec(command)?.[1] ?? '')
      // The copy already holds what `add` would write, and `provision` needs an administrator of a Keycloak.
      if (words.length > 0 && words[0] !== 'add' && words[0] !== 'provision') await give(...words)
    }
  } finally {
    worker.kill()
    await once(worker, 'close')
  }
  expect(worker.exitCode).toBe(0)
})

async function run(binary: string, ...words: string[]): Promise<string> {
  try {
    // The symlinked node_modules would otherwise be looked up from its real place.
    const { stdout } = await execute(join(binaries, binary), words, {
      cwd: copy,
      env: { PATH: `${binaries}:${process.env.PATH}`, TEST_SERVICES: 'none', NODE_OPTIONS: nodeOptions },
    })
    return stdout
  } catch (error) {
    // What a tool has against the example is on stdout, and Node's message doesn't repeat it.
    const said = error instanceof Error && 'stdout' in error ? String(error.stdout) : ''
    throw new Error(`${binary} ${words.join(' ')} failed:\n${said}`, { cause: error })
  }
}

/** Reads on until the end, so that the worker never waits for its reader. */
function isReady(log: Readable): Promise<void> {
  return new Promise((resolve, reject) => {
    createInterface({ input: log })
      .on('line', line => {
        if (line.includes('worker ready')) resolve()
      })
      .on('close', () => reject(new Error('The worker ended before it was ready.')))
  })
}

async function write(path: string, content: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, content)
}

/** Each line of the block is an import, or replaces the declaration of the same name. */
async function editList(path: string, code: string): Promise<void> {
  let list = await readFile(path, 'utf8')
  for (const line of code.split('\n').filter(text => text !== '')) {
    const declaration = /^(?:export )?const \w+/.exec(line)?.[0]
    if (!declaration) list = `${line}\n${list}`
    else list = list.replace(new RegExp(`^${declaration}\\b.*$`, 'm'), () => line)
  }
  await writeFile(path, list)
}
