import { execFile } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'vitest'
import { viteVersion } from 'vitest/node'
import { z } from 'zod'
import { checkImage } from '../deploy/check-image.ts'
import { buildImage } from '../deploy/image.ts'
import { canRunInRoot } from '../deploy/run-in-root.ts'
import { projectFolder } from '../docs/markdown.ts'
import { sandboxTest } from '../fixtures/sandbox-test.ts'

const execute = promisify(execFile)
const packedSchema = z.tuple([z.object({ filename: z.string(), files: z.array(z.object({ path: z.string() })) })])

/** What is published, installed into an empty folder as a stranger does. */
const test = sandboxTest
  .extend(
    'sandboxOptions',
    { scope: 'file' },
    {
      clients: [{ clientId: 'stranger', clientSecret: 'secret', roles: ['viewer'], email: 'stranger@wiki.example' }],
    },
  )
  .extend('folder', { scope: 'file' }, async ({ closing }) => {
    const folder = await mkdtemp(join(tmpdir(), 'package-'))
    closing.defer(() => rm(folder, { recursive: true, force: true }))
    return folder
  })
  .extend('packed', { scope: 'file' }, async ({ folder }) => {
    await execute('npm', ['run', '-s', 'build'], { cwd: projectFolder })
    const { stdout } = await execute('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], {
      cwd: projectFolder,
    })
    const [{ filename, files }] = packedSchema.parse(JSON.parse(stdout))
    return { tarball: filename, files: files.map(({ path }) => path) }
  })
  .extend('project', { scope: 'file' }, async ({ folder, packed: { tarball } }) => {
    const project = join(folder, 'mirror')
    await mkdir(project)
    await execute('npm', ['install', join(folder, tarball), '--prefer-offline', '--no-audit', '--no-fund'], {
      cwd: project,
      // Where the registry is, and whose certificates count, is the machine's affair.
      env: { ...process.env, ...environment() },
    })
    return project
  })
  /** As somebody types it into a shell. @returns what it printed */
  .extend(
    'type',
    { scope: 'file' },
    ({ project }) =>
      async (command: string, surroundings: NodeJS.ProcessEnv = {}): Promise<string> => {
        try {
          const env = { ...surroundings, ...environment(), npm_config_prefer_offline: 'true' }
          return (await execute('sh', ['-c', command], { cwd: project, env })).stdout
        } catch (error) {
          throw new Error(`${command}:\n${Object(error).stdout}${Object(error).stderr}`, { cause: error })
        }
      },
  )
  /** @param condition SQL, of the rows that the role sees */
  .extend(
    'expectMirror',
    { scope: 'file' },
    ({ sandbox, type }) =>
      async (table: string, condition: string): Promise<void> => {
        const [visible] = await sandbox.hasura.sql(`select count(*)::int as count from ${table} where ${condition}`)
        expect(await type(`npm run -s cli -- run sync-${table}`)).toContain(
          `sync-${table}: done (${visible?.count} read, ${visible?.count} inserted, `,
        )
        const rows = z
          .array(z.unknown())
          .parse(JSON.parse(await type(`npm run -s cli -- rows ${table} --limit 1000 --json`)))
        expect(rows).toHaveLength(Math.min(Number(visible?.count), 1000))
      },
  )

test('it holds JavaScript, types and maps, and nothing of a checkout', ({ packed: { files } }) => {
  const kinds = new Set(files.map(path => /^[^/]+/.exec(path)?.[0]))
  expect([...kinds].toSorted()).toEqual([
    '.env.example',
    'LICENSE',
    'README.md',
    'deploy',
    'dist',
    'docs',
    'package.json',
    'schema',
    'templates',
  ])
  expect(files).toEqual(
    expect.arrayContaining(['dist/main.js', 'dist/index.js', 'dist/index.d.ts', 'dist/index.js.map']),
  )
  expect(
    files.filter(path => /^dist\/(jobs|generated)\/|(?<!\.d)\.ts$/.test(path) && !path.startsWith('templates')),
  ).toEqual([])
})

test('an installation, init and run lead to a mirror, with no file edited by hand', async ({
  project,
  sandbox,
  type,
  expectMirror,
}) => {
  await writeFile(
    join(project, '.env'),
    `OIDC_ISSUER=${sandbox.idp.issuer}\nCLIENT_ID=stranger\nCLIENT_SECRET=secret\nHASURA_URL=${sandbox.hasura.url}\n`,
  )
  await type('npx --no-install hasura-sync-worker init --from-env --table articles', process.env)
  await expectMirror('articles', "status = 'published'")
  await type('npm run -s cli -- add topics')
  await expectMirror('topics', 'true')
  await type('npm run check')
  expect(await type('npm run -s cli -- schema check')).toContain('every operation is valid')
  await writeFile(join(project, 'graphql/titles.graphql'), 'query Titles { topics { id } }\n')
  await expect(type('npm run check'), 'an operation without codegen').rejects.toThrow(/graphql-codegen/)
})

test.runIf(canRunInRoot)(
  'the image of its Dockerfile works in a read-only root',
  async ({ folder, project, packed: { tarball }, sandbox, type }) => {
    // A new release may reach a registry before its optional dependencies do; npm then writes a lock file that `npm ci` refuses.
    await type(
      `npm pkg set overrides.vite=${viteVersion} && npm install --package-lock-only --no-audit --no-fund`,
      process.env,
    )
    const image = await buildImage(join(project, 'Dockerfile'), {
      context: project,
      folder: join(folder, 'image'),
      // Where the project's package.json finds it, until it is published.
      prepare: root => copyFile(join(folder, tarball), join(root, tarball)),
    })
    const environment = {
      OIDC_ISSUER: sandbox.idp.issuer,
      CLIENT_ID: 'stranger',
      CLIENT_SECRET: 'secret',
      HASURA_URL: sandbox.hasura.url,
    }
    await checkImage(image, { environment, hasVolumes: true, job: 'sync-topics' })
  },
)

function environment() {
  return { PATH: [dirname(process.execPath), process.env.PATH].join(delimiter), HOME: process.env.HOME }
}
