import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parse } from 'graphql'
import { sql } from 'kysely'
import { expect } from 'vitest'
import { z } from 'zod'
import { schemaFolderOf } from '../../src/config/project.ts'
import { findContractRefusal } from '../../src/definitions/contract.ts'
import { defineJob } from '../../src/definitions/define-job.ts'
import { RefusalError } from '../../src/errors.ts'
import { appTest } from '../fixtures/app-test.ts'
import { runPull } from '../fixtures/run-pull.ts'
import { wikiProject } from '../fixtures/wiki-project.ts'

const job = (name: string, query: string, role = 'viewer') =>
  defineJob({
    name,
    requirement: { role },
    payload: z.strictObject({}),
    operations: [parse(query)],
    run: async () => ({}),
  })

const readTopics = job('read-topics', 'query Topics { topics { id title } }')
const readUsers = job('read-users', 'query Users { users { id } }')
const readSecrets = job('read-secrets', 'query Secrets { secrets { id } }', 'keeper')

const sdl = await readFile(new URL('viewer.graphql', schemaFolderOf(wikiProject)), 'utf8')

/** `topics` has lost its column `title`, and nobody has pulled the schema of the role "keeper". */
const test = appTest
  .extend('folder', { scope: 'file' }, async ({ closing }) => {
    const folder = await mkdtemp(join(tmpdir(), 'contract-'))
    closing.defer(() => rm(folder, { recursive: true, force: true }))
    const changed = sdl.replace(/(?<=^type topics \{[^}]*)^ {2}title: .*\n/m, '')
    expect(changed).not.toBe(sdl)
    await writeFile(join(folder, 'viewer.graphql'), changed)
    return folder
  })
  .extend('appOptions', { scope: 'file' }, ({ folder }) => ({
    jobs: [readTopics, readUsers, readSecrets],
    schemaFolder: pathToFileURL(`${folder}/`),
  }))

test('the jobs that the API no longer fits are listed with their problem, the others without', async ({ app }) => {
  const problems = Object.fromEntries((await app.operations.listJobs()).map(({ name, problem }) => [name, problem]))
  expect(problems).toEqual({
    'read-topics': expect.stringMatching(
      /^Job "read-topics" can't run as role "viewer" \(.*"title" on type "topics".*\): /,
    ),
    'read-users': null,
    'read-secrets': expect.stringMatching(
      /^Job "read-secrets" .* \(The schema of role "keeper" is not in .*\): run "npm run -s cli -- schema pull/,
    ),
  })
})

test('a schema that nobody can read is a problem of its role’s jobs as well', async ({ folder }) => {
  await writeFile(join(folder, 'broken.graphql'), 'type query_root {')
  const refusal = await findContractRefusal(job('read-all', '{ a }', 'broken'), pathToFileURL(`${folder}/`))
  expect(refusal?.message).toMatch(
    /^Job "read-all" .*broken\.graphql is not valid \(.*\): run "npm run -s cli -- schema pull --role broken"/,
  )
})

test('a run of such a job is refused, and one of another job is not', async ({ app }) => {
  await expect(runPull(app, readTopics, 'default')).rejects.toThrow(RefusalError)
  await expect(runPull(app, readUsers, 'default')).resolves.toEqual({})
})

test('only its requests are held, and resume when the schema fits again', async ({ app, folder }) => {
  const { operations, deps } = app
  const ask = async ({ name }: { name: string }) =>
    (await operations.makeRequest({ job: name, account: undefined, payload: {}, trigger: 'cli', caller: 'test' })).id
  const stateOf = async (id: string) => (await operations.getRequest({ id })).state
  await using serving = await app.serve()
  const held = await ask(readTopics)
  await expect
    .poll(() => operations.listHolds())
    .toMatchObject([{ job: 'read-topics', code: 'contract', reason: expect.stringContaining('Job "read-topics"') }])
  const other = await ask(readUsers)
  await expect.poll(() => stateOf(other)).toBe('done')

  await writeFile(join(folder, 'viewer.graphql'), sdl)
  await sql`update worker.holds set probe_at = now()`.execute(deps.store)
  serving.look()
  await expect.poll(() => stateOf(held)).toBe('done')
  expect(await operations.listHolds()).toEqual([])
})
