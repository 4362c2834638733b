import { execFile } from 'node:child_process'
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { sql } from 'kysely'
import { describe, expect } from 'vitest'
import { createLog } from '../../src/log.ts'
import { listTree } from '../../src/names/list-tree.ts'
import { openDatabase } from '../../src/store/open-database.ts'
import { openHome, start } from '../cli/run-command.ts'
import { copyProject } from '../fixtures/copy-project.ts'
import { sandboxTest } from '../fixtures/sandbox-test.ts'
import { alterSelectPermission, setIntrospection, trackTable } from '../sandbox/hasura/change-metadata.ts'

const select_permissions = [{ role: 'viewer', permission: { columns: '*' as const, filter: {} } }]
const rows = 'from generate_series(1, 1500) n'
/** Many rows change at the same moment, so that pages end within ties. */
const changed = "'2026-01-01T00:00:00.000001Z'::timestamptz + n / 700 * interval '1 minute'"

/** What an unknown Hasura may hold. */
const tables = `
  create table measurements (station text, taken_on date, value numeric(30, 20), exact boolean,
    updated_at timestamptz not null, primary key (station, taken_on));
  insert into measurements select 'S' || n % 7, date '2020-01-01' + n, n / 3.0, n % 2 = 0, ${changed} ${rows};

  create type mood as enum ('calm', 'windy');
  create table "order" (id bigint primary key, "default" text, "select" jsonb, "class" mood not null, modified_at timestamp not null);
  insert into "order" select 9007199254740993 + n, 'null', '{"n": 1.50}', 'calm', (${changed}) at time zone 'UTC' ${rows};
  create table "class" ("on" uuid primary key, updated_at timestamptz not null);
  insert into "class" select gen_random_uuid(), ${changed} ${rows};
  create table "default" ("Key" int primary key, "UpdatedAt" timestamptz not null, "1st" text);
  insert into "default" select n, ${changed}, null ${rows};

  create table "Order" (order_id int, line_no int, primary key (order_id, line_no), updated_at timestamptz not null);
  insert into "Order" select n % 10, n, ${changed} ${rows};
  create table mongo_docs (_id text primary key, "__v" int, "_updatedAt" timestamptz not null, "constructor" text, "toString" text);
  insert into mongo_docs select 'doc ' || n, n, ${changed}, n, n ${rows};

  create table drafts (id uuid primary key, updated_at timestamptz not null, modified_at timestamptz not null);
  create table countries (code text primary key, name text not null, updated_at timestamptz);
  create table tags (name text collate "C" primary key, weight float8);
  insert into tags select 'tag ' || n, n / 3.0::float8 ${rows};
  create view heavy_tags as select case when weight > 1 then name end as name, weight from tags;`

const test = sandboxTest
  .extend('home', { scope: 'file' }, async ({ closing, sandbox }) => {
    const { hasura } = sandbox
    await hasura.sql(tables)
    const odd = {
      custom_name: 'OddNames',
      column_config: {
        Key: { custom_name: 'rowKey' },
        UpdatedAt: { custom_name: 'LastChangedAt' },
        '1st': { custom_name: '_1st' },
      },
    }
    await hasura.changeMetadata(
      ...['measurements', 'order', 'Order', 'mongo_docs', 'class', 'drafts', 'countries', 'tags', 'heavy_tags'].map(
        name => trackTable(name, { select_permissions }),
      ),
      trackTable('default', { select_permissions, configuration: odd }),
      setIntrospection('restorer', false),
    )
    return closing.use(await openHome(sandbox, 'adder', ['viewer', 'restorer']))
  })
  .extend('project', { scope: 'file' }, ({ home }) =>
    copyProject(home.folder, ['tsconfig.json', 'biome.json', 'no-json-parse.grit', 'one-is-error.grit']),
  )
  .extend(
    'cli',
    { scope: 'file' },
    ({ home, project }) =>
      (...words: string[]) =>
        start({ ...home.env, LOG_LEVEL: 'silent' }, words, project).ended,
  )

/** Everything that `add` may write to. */
async function snapshot(project: string): Promise<Record<string, string>> {
  const { files } = listTree(project)
  return Object.fromEntries(await Promise.all(files.map(async file => [file, await readFile(file, 'utf8')] as const)))
}

describe('refuses and writes nothing', () => {
  test.for<[what: string, words: string[], code: number, sentence: string]>([
    ['when there are several cursors', ['drafts'], 2, 'choose one with --cursor'],
    ['a view without --key', ['heavy_tags'], 2, 'separated by commas'],
    [
      'a key that was left out',
      ['mongo_docs', '--key', '__v', '--cursor', '_updatedAt'],
      2,
      "Left out, because their names aren't valid for GraphQL or codegen: mongo_docs.__v, ",
    ],
    ['a table that is mirrored already', ['articles'], 2, 'sync-articles pulls articles already'],
    [
      'a mirror table that has its job',
      ['measurements', '--into', 'articles'],
      2,
      'sync-articles already mirrors into mirror.articles',
    ],
    [
      'a role that the token has not',
      ['measurements', '--role', 'editor'],
      3,
      'Role "editor" is not in the token\'s allowed roles',
    ],
    [
      'a role without introspection',
      ['measurements', '--role', 'restorer'],
      1,
      'Role "restorer" may not introspect the schema',
    ],
    ['an account that there is not', ['measurements', '--account', 'other'], 2, 'There is no account "other"'],
  ])('%s', async ([_what, words, code, sentence], { project, cli }) => {
    const before = await snapshot(project)
    const ended = await cli('add', ...words)
    expect(ended.err).toContain(sentence)
    expect({ code: ended.code, out: ended.out }).toEqual({ code, out: '' })
    expect(await snapshot(project)).toEqual(before)
  })

  test('what no types can be generated for', async ({ project, cli }) => {
    // Another role of the same API, in which the same name is something else.
    const other = join(project, 'graphql/schema/other.graphql')
    await writeFile(other, 'type query_root {\n  measurements: Int\n}\n')
    const before = await snapshot(project)
    const { code, err } = await cli('add', 'measurements')
    expect(err).toMatch(/^Codegen failed, so nothing was written: .*measurements/)
    expect(code).toBe(1)
    expect(await snapshot(project)).toEqual(before)
    await rm(other)
  })

  test('what would take the operation of another job away', async ({ project, cli }) => {
    const file = join(project, 'graphql/topics.graphql')
    const operation = await readFile(file)
    await rm(file)
    const before = await snapshot(project)
    expect(await cli('add', 'measurements')).toEqual({
      code: 2,
      out: '',
      err: 'sync-topics sends PullTopics, which no file in graphql/ defines: define the operation there, or remove the job from src/jobs/list.ts\n',
    })
    expect(await snapshot(project)).toEqual(before)
    await writeFile(file, operation)
  })

  test('what is not the API of the jobs that there are', async ({ sandbox, project, cli }) => {
    const before = await snapshot(project)
    await sandbox.hasura.changeMetadata(alterSelectPermission('topics', 'viewer', { columns: ['id', 'updated_at'] }))
    const { code, err } = await cli('add', 'measurements')
    expect(err).toMatch(/^sync-topics: Cannot query field "title" on type "topics"/)
    expect(err).toMatch(/^These jobs don't match the API's current schema/m)
    expect(code).toBe(2)
    expect(await snapshot(project)).toEqual(before)
    await sandbox.hasura.changeMetadata(alterSelectPermission('topics', 'viewer', { columns: '*' }))
  })
})

const added = [
  {
    words: ['measurements', '--role', 'viewer'],
    job: 'sync-measurements',
    into: 'measurements',
    source: 'table measurements',
  },
  { words: ['order'], job: 'sync-order', into: 'order', source: 'table "order"' },
  { words: ['Order'], job: 'sync-order-2', into: 'Order', source: 'table "Order"' },
  {
    words: ['mongo_docs', '--cursor', '_updatedAt', '--name', 'import-docs'],
    job: 'import-docs',
    into: 'mongo_docs',
    source: 'select _id as column_id, "_updatedAt" as "column_updatedAt", "constructor", "toString" from mongo_docs',
  },
  { words: ['class', '--into', 'default'], job: 'sync-class', into: 'default', source: 'table "class"' },
  {
    words: ['OddNames', '--key', 'rowKey'],
    job: 'sync-odd-names',
    into: 'OddNames',
    source: 'select "Key" as "rowKey", "UpdatedAt" as "LastChangedAt", "1st" as "column_1st" from "default"',
  },
  { words: ['tags', '--cursor', 'none'], job: 'sync-tags', into: 'tags', source: 'table tags' },
  {
    words: ['heavy_tags', '--key', 'name', '--cursor', 'none'],
    job: 'sync-heavy-tags',
    into: 'heavy_tags',
    // A row without a key has no place in the mirror.
    source: 'select * from heavy_tags where name is not null',
  },
]

/** What `add` said about each of them. */
const addedTest = test.extend('said', { scope: 'file', auto: true }, async ({ cli }) => {
  const said: string[] = []
  for (const { words } of added) {
    const { code, out, err } = await cli('add', ...words)
    expect({ code, err }).toEqual({ code: 0, err: '' })
    said.push(out)
  }
  return said
})

describe('adds', () => {
  addedTest('and says what it has written', async ({ project, cli, said }) => {
    expect(
      said[0],
    ).toBe(`sync-measurements pulls measurements as role "viewer", into mirror.measurements: key station, taken_on; cursor updated_at.
The API doesn't show the order of the key's columns in their index. If it isn't station, taken_on, change "key" in src/jobs/sync-measurements.ts before the first run: reading in the index's order is faster.
  graphql/schema/viewer.graphql
  graphql/measurements.graphql
  src/generated/gql.ts
  src/generated/graphql.ts
  src/generated/index.ts
  src/jobs/sync-measurements.ts
  src/jobs/list.ts
Try it: npm run -s cli -- run sync-measurements
Left out, because their names aren't valid for GraphQL or codegen: mongo_docs.__v, mongo_docs_bool_exp.__v, mongo_docs_order_by.__v, mongo_docs_select_column.__v, mongo_docs_stream_cursor_value_input.__v. To use one, give it a custom name in Hasura.
`)
    expect(await cli('schema', 'check')).toEqual({
      code: 0,
      out: 'Role "viewer": every operation is valid on the live API.\n',
      err: '',
    })
    expect(await readdir(project)).toEqual(expect.not.arrayContaining([expect.stringMatching(/^\.add-/)]))
  })

  addedTest(
    'code that compiles, in the format of the project, with types that are what codegen makes',
    async ({ project }) => {
      const binaries = join(project, 'node_modules/.bin')
      const tool = (name: string, ...words: string[]) =>
        promisify(execFile)(join(binaries, name), words, {
          cwd: project,
          env: { PATH: `${binaries}:${process.env.PATH}`, NODE_OPTIONS: '--conditions=@hasura-sync-worker/source' },
        })
      await writeFile(
        join(project, 'tsconfig.json'),
        (await readFile(join(project, 'tsconfig.json'), 'utf8')).replace(/"include": .*/, '"include": ["src"]'),
      )
      await tool('tsc', '--noEmit')
      await tool('biome', 'check', '--vcs-enabled=false', 'src/jobs')
      await tool('graphql-codegen', '--config', 'codegen.ts', '--check')
    },
  )

  addedTest.for(added)('$job, which mirrors every row', async ({ job, into, source }, { sandbox, home, cli }) => {
    expect(await cli('run', job)).toMatchObject({ code: 0, err: '' })
    await using database = await openDatabase({ dataDir: home.env.DATA_DIR }, createLog('silent'))
    const own = ['_account', '_synced_at', '_deleted_at', '_revived_at', '_change']
    const { rows: mirrored } = await sql<{ row: string }>`
      select (to_jsonb(m) - ${own}::text[])::text as row from ${sql.table(`mirror.${into}`)} m`.execute(database.store)
    const there = await sandbox.hasura.sql(`select to_jsonb(s)::text as row from (${source}) s`)
    const rows = new Set(there.map(({ row }) => String(row)))
    // Thousands of differences would take minutes to print.
    const others = mirrored.filter(({ row }) => !rows.has(row)).slice(0, 3)
    expect({ mirrored: mirrored.length, others }).toEqual({ mirrored: rows.size, others: [] })
  })

  addedTest('nothing twice', async ({ project, cli }) => {
    const before = await snapshot(project)
    expect(await cli('add', 'measurements')).toEqual({
      code: 2,
      out: '',
      err: 'sync-measurements pulls measurements already: change that job, or remove it and add it again; give --name and --into for a second job of the same rows\n',
    })
    expect(await snapshot(project)).toEqual(before)
  })
})
