import { existsSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { DCLinter } from 'dclint'
import pg from 'pg'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { parseConfig } from '../../src/config/config.ts'
import { findCodeBlocks, findSection, projectFolder, readDocument } from '../docs/markdown.ts'
import { mountsOf, readService } from './compose-file.ts'

const wiki = 'examples/wiki/compose.yaml'
const project = 'templates/project/compose.yaml'

/** Warnings are about the order of keys. */
const linted = z.tuple([z.object({ messages: z.array(z.looseObject({ type: z.string() })) })])

/** What the comment at the top of a project's file asks for. */
const filledIn = {
  POSTGRES_PASSWORD: 'se/cr?e#t@1:2%',
  OIDC_ISSUER: 'https://keycloak.example/realms/wiki',
  CLIENT_ID: 'sync-worker',
  HASURA_URL: 'https://hasura.example/v1/graphql',
}

afterEach(() => void vi.unstubAllEnvs())

describe.each([
  { path: wiki, environment: { POSTGRES_PASSWORD: 'se/cr?e#t@1:2%' } },
  { path: project, environment: filledIn },
])('$path', ({ path, environment }) => {
  test('is a compose file by the Compose Specification', () => {
    const linter = new DCLinter({ rules: {}, quiet: true, debug: false, exclude: [] })
    const [{ messages }] = linted.parse(linter.lintFiles([join(projectFolder, path)], false))
    expect(messages.filter(({ type }) => type === 'error')).toEqual([])
  })

  test('gives the worker settings that it accepts', () => {
    const { environment: settings } = readService(path, 'worker', environment)
    expect(parseConfig({ ...environment, ...settings })).toMatchObject({
      accounts: [{ name: 'default' }],
      databaseUrl: expect.stringContaining('@postgres/'),
      redisUrl: 'redis://redis',
    })
  })

  test('lets the worker log in with any password', () => {
    const { environment: settings } = readService(path, 'worker', environment)
    vi.stubEnv('PGPASSWORD', settings.PGPASSWORD)
    const { host, password } = new pg.Client({ connectionString: settings.DATABASE_URL })
    expect({ host, password }).toEqual({ host: 'postgres', password: environment.POSTGRES_PASSWORD })
  })

  test('gives the worker more time to stop than it needs', () => {
    expect(readService(path, 'worker', environment).stop_grace_period).toBe('15s')
  })

  test("keeps Redis from evicting the queue's keys", () => {
    expect(readService(path, 'redis', environment).command).toEqual([
      'redis-server',
      '--maxmemory-policy',
      'noeviction',
    ])
  })
})

test("a project's secret is mounted with its folder, which git ignores, so that another file may take its place", () => {
  const { environment, ...worker } = readService(project, 'worker', filledIn)
  const [mount, ...others] = mountsOf(worker)
  expect(others).toEqual([])
  expect(mount).toMatchObject({ target: dirname(environment.CLIENT_SECRET_FILE ?? ''), isReadOnly: true })
  const ignored = readDocument('templates/project/gitignore').split('\n')
  expect(ignored.map(line => `./${line}`)).toContain(`${mount?.source}/`)
})

describe('the wiki with a real Hasura', () => {
  const folder = dirname(wiki)
  const sandbox = 'test/sandbox/hasura'
  const hasura = readService(wiki, 'hasura')

  test.each(['worker', 'hasura', 'keycloak'])('everything that %s mounts is there and read-only', name => {
    const mounts = mountsOf(readService(wiki, name))
    expect(mounts.length).toBeGreaterThan(0)
    for (const { source, isReadOnly } of mounts) {
      expect(existsSync(join(projectFolder, folder, source))).toBe(true)
      expect(isReadOnly).toBe(true)
    }
  })

  test("applies the sandbox's migrations, then its rows", () => {
    const applied = mountsOf(hasura).filter(({ target }) => target.startsWith('/hasura-migrations/default/'))
    const files = readdirSync(join(projectFolder, sandbox, 'migrations')).map(name => `${sandbox}/migrations/${name}`)
    expect(applied.map(({ source }) => join(folder, source))).toEqual([...files, `${sandbox}/seed.sql`])
    // Hasura applies them in the order of the number that each begins with.
    const numbers = applied.map(({ target }) => /\/(\d+)_\w+\.up\.sql$/.exec(target)?.[1])
    expect(numbers).toEqual(numbers.toSorted())
    expect(numbers).not.toContain(undefined)
  })

  test("has the sandbox's metadata, and the event trigger of the guide", () => {
    const mounts = mountsOf(hasura)
    expect(mounts).toContainEqual({
      source: '../../test/sandbox/hasura/metadata',
      target: '/hasura-metadata',
      isReadOnly: true,
    })
    const overlay = mounts.find(({ source }) => source === './hasura/public_articles.yaml')
    const replaced = overlay?.target.replace('/hasura-metadata', `${sandbox}/metadata`) ?? ''
    const [trigger] = findCodeBlocks(findSection(readDocument('docs/integrating.md'), "Hasura's triggers")).filter(
      ({ code }) => code.startsWith('event_triggers:'),
    )
    expect(readYaml(`${folder}/hasura/public_articles.yaml`)).toEqual({
      ...readYaml(replaced),
      ...yaml.parse(parse(trigger?.code ?? '')),
    })
  })

  test('lets Hasura reach the worker, with the secret that the worker wants to see', () => {
    const worker = readService(wiki, 'worker').environment
    expect(hasura.environment).toMatchObject({
      SYNC_WORKER_URL: 'http://worker:8088',
      SYNC_WORKER_HOOK_SECRET: worker.HOOK_SECRET,
    })
    expect(readDocument('Dockerfile')).toContain('PORT=8088')
  })
})

const yaml = z.record(z.string(), z.unknown())

function readYaml(path: string) {
  return yaml.parse(parse(readDocument(path)))
}
