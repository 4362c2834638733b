import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TypedDocumentNode } from '@graphql-typed-document-node/core'
import { parse } from 'graphql'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { defineJob } from '../../src/definitions/define-job.ts'
import { PermanentError } from '../../src/errors.ts'
import { pullSync } from '../../src/pull/pull-sync.ts'
import { openTestProject, type TestProject } from '../../src/testing/open-test-project.ts'

/** The part of a list's schema that a pull needs. */
function describeList(type: string, columns: string): string {
  const columnsOf = [...columns.matchAll(/(\w+): (\w+)/g)]
  return `
type ${type} { ${columns} }
input ${type}_bool_exp { ${columnsOf.map(([, name, scalar]) => `${name}: ${scalar}_comparison_exp`).join(' ')} }
input ${type}_order_by { ${columnsOf.map(([, name]) => `${name}: order_by`).join(' ')} }
extend type query_root {
  ${type}(limit: Int, order_by: [${type}_order_by!], where: ${type}_bool_exp): [${type}!]!
  ${type}_by_pk(${/^\w+: \w+!/.exec(columns)?.[0]}): ${type}
}`
}

const base = `
schema { query: query_root }
type query_root { version: String }
scalar bytea
scalar smallint
enum order_by { asc desc }
enum moods { sad glad }
${['Int', 'String', 'Boolean', 'bytea', 'smallint', 'moods'].map(describeComparison).join('\n')}`

function describeComparison(scalar: string): string {
  const operators = ['_eq', '_gt', '_gte', '_lt', '_lte'].map(operator => `${operator}: ${scalar}`)
  return `input ${scalar}_comparison_exp { ${operators.join(' ')} _in: [${scalar}!] _is_null: Boolean }`
}

const schemas = {
  editor: describeList('files', 'id: Int!, name: String!'),
  viewer: [
    describeList('files', 'id: Int!, content: bytea!, mood: moods!'),
    describeList('settings', 'is_only: Boolean!, rank: smallint!'),
    describeList('users', 'id: Int!'),
    'extend type users { files: [files!]! }',
    describeList('others', 'id: Int!'),
  ].join(''),
}

type Variables = { where: unknown; order_by: unknown; limit: number }

function pull<Row>(type: string, columns: string) {
  const document: TypedDocumentNode<Record<string, Row[]>, Variables> = parse(`
    query Pull($where: ${type}_bool_exp!, $order_by: [${type}_order_by!]!, $limit: Int!) {
      ${type}(where: $where, order_by: $order_by, limit: $limit) { ${columns} }
    }`)
  return document
}

const files = pullSync({
  name: 'sync-files',
  document: pull<{ id: number; content: string; mood: string }>('files', 'id content mood'),
  role: 'viewer',
  key: 'id',
  into: 'files',
})
const names = pullSync({
  name: 'sync-names',
  document: pull<{ id: number; name: string }>('files', 'id name'),
  role: 'editor',
  key: 'id',
  into: 'names',
})
const settings = pullSync({
  name: 'sync-settings',
  document: pull<{ is_only: boolean; rank: number }>('settings', 'is_only rank'),
  role: 'viewer',
  key: 'is_only',
  into: 'settings',
})
const users = pullSync({
  name: 'sync-users',
  document: pull<{ id: number; files: unknown }>('users', 'id files { id }'),
  role: 'viewer',
  key: 'id',
  into: 'users',
})

const refusal = new PermanentError('too-late', 'The period has ended')
const report: TypedDocumentNode<unknown, Record<string, never>> = parse('query Report { version }')
/** Fails before it sends the operation that the API lacks. */
const reportUsers = defineJob({
  name: 'report-users',
  payload: z.object({ isLate: z.boolean() }),
  requirement: { role: 'viewer' },
  operations: [report],
  async run(session, { payload }) {
    if (payload.isLate) throw refusal
    await session.hasura.query(report, {})
    return {}
  },
})

let folder = ''
let project: TestProject
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'roles-'))
  await mkdir(join(folder, 'graphql/schema'), { recursive: true })
  for (const [role, sdl] of Object.entries(schemas)) {
    await writeFile(join(folder, `graphql/schema/${role}.graphql`), base + sdl)
  }
  project = await openTestProject({ jobs: [names, files, settings, users, reportUsers], folder, rows: 3 })
})
afterAll(async () => {
  await project?.[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

test('each role sees its columns of a table', async () => {
  expect(await project.run(names)).toMatchObject({ counts: { inserted: 3 } })
  expect(await project.run(files)).toMatchObject({ counts: { inserted: 3 } })
  expect(await project.rows('names')).toMatchObject([{ name: 'name 1' }, { name: 'name 2' }, { name: 'name 3' }])
})

test('a column of bytes has bytes, and one of an enum its values', async () => {
  await project.run(files)
  const [first, second] = await project.rows('files')
  expect(first).toMatchObject({ content: expect.stringMatching(/^\\x/), mood: 'glad' })
  expect(second).toMatchObject({ mood: 'sad' })
})

test('a table whose key has fewer values than there are rows has one row for each', async () => {
  expect(await project.run(settings)).toMatchObject({ counts: { inserted: 2 } })
})

test('tables that no job reads are not made, because there may be thousands', async () => {
  await expect(project.api.sql('select id from others')).rejects.toThrow('relation "others" does not exist')
  await using all = await openTestProject({ jobs: [{ ...files, operations: [] }], folder, rows: 1 })
  expect(await all.api.sql('select id from others')).toEqual([{ id: 1 }])
})

test('a job that needs what no API made from the SDL has is told so', async () => {
  await expect(project.run(users)).rejects.toThrow(
    /^The API that the test makes from the SDL lacks a part that a job needs \(.*sync-users: Cannot query field "files" on type "users"\.\): it reads tables, without relationships/,
  )
})

test('a failure of another kind is the job’s own, also of a job that the API can’t serve', async () => {
  const explained = {
    message: expect.stringMatching(/^The API that the test makes from the SDL lacks a part.*report-users/),
    cause: { found: expect.stringMatching(/^Hasura refused the operation as role "viewer"/) },
  }
  await expect(project.run(reportUsers, { isLate: false })).rejects.toMatchObject(explained)
  await expect(project.run(reportUsers, { isLate: true })).rejects.toBe(refusal)
  await expect(project.run(reportUsers, { isLate: false })).rejects.toMatchObject(explained)
})

test('a folder that is no project is told, as where a workspace starts the tests in its own', async () => {
  await expect(openTestProject({ jobs: [files], folder: join(folder, 'graphql') })).rejects.toThrow(
    `${join(folder, 'graphql')} is not a project: it has no graphql/: give openTestProject the project's path`,
  )
})

test('metadata of which the API knows only a part is told with what it does not know', async () => {
  const metadataFolder = join(folder, 'metadata')
  await mkdir(join(metadataFolder, 'databases'), { recursive: true })
  await writeFile(join(metadataFolder, 'version.yaml'), 'version: 3\n')
  await writeFile(
    join(metadataFolder, 'databases/databases.yaml'),
    `- name: default
  kind: postgres
  tables: [{ table: { schema: public, name: files }, computed_fields: [] }]
`,
  )
  await expect(openTestProject({ jobs: [files], folder, api: { sql: '', metadataFolder } })).rejects.toThrow(
    `The API of tests can't serve all of the metadata in ${metadataFolder} (0.tables.0: Unrecognized key: "computed_fields"): give it a copy`,
  )
})
