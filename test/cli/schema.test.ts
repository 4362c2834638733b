import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { copyProject } from '../fixtures/copy-project.ts'
import { openSandbox } from '../fixtures/open-sandbox.ts'
import { openHome, run, start } from './run-command.ts'

test('schema pull writes what each role sees, and schema check tells what no longer fits', async () => {
  await using sandbox = await openSandbox({ hasura: { seed: false } })
  await using home = await openHome(sandbox, 'reader', ['viewer', 'restorer'])
  const copy = await copyProject(home.folder)
  const sdlFile = join(copy, 'graphql/schema/viewer.graphql')
  const committed = await readFile(sdlFile, 'utf8')
  const schema = (...words: string[]) => start(home.env, ['schema', ...words], copy).ended

  expect(await schema('check')).toEqual({
    code: 0,
    out: 'Role "viewer": every operation is valid on the live API.\n',
    err: '',
  })

  // As Prettier formats long lines.
  await writeFile(sdlFile, committed.replaceAll(', ', '\n    '))
  expect(await schema('check')).toMatchObject({ code: 0, err: '' })

  await writeFile(sdlFile, `${committed}\ntype Gone {\n  id: Int\n}\n`)
  expect(await schema('check')).toEqual({
    code: 0,
    out: 'Role "viewer": every operation is valid on the live API.\n',
    err: 'The API has changed for role "viewer". Run "npm run -s cli -- schema pull --role viewer" and see the diff.\n',
  })
  expect(await schema('pull')).toEqual({
    code: 0,
    out: 'graphql/schema/viewer.graphql holds the schema that role "viewer" sees now.\n',
    err: '',
  })
  expect(await readFile(sdlFile, 'utf8')).toBe(committed)

  // An operation that asks for a column which neither the committed nor the live schema has.
  const generated = join(copy, 'src/generated/graphql.ts')
  await writeFile(generated, (await readFile(generated, 'utf8')).replaceAll('"value":"revision"', '"value":"version"'))
  const broken = await schema('check')
  expect(broken.err).toMatch(
    /^Job "sync-articles" can't run as role "viewer" \(Cannot query field "version" on type "articles"/m,
  )
  expect(broken.code).toBe(2)

  expect((await schema('pull', '--role', 'restorer')).code).toBe(0)
  expect(await readFile(join(copy, 'graphql/schema/restorer.graphql'), 'utf8')).not.toContain('refresh_users')
  const refused = await schema('pull', '--role', 'editor')
  expect(refused).toEqual({
    code: 3,
    out: '',
    err: expect.stringMatching(/^Role "editor" is not in the token's allowed roles \(viewer, restorer\): assign it to/),
  })
})

test('schema operations prints what has to be on an allow list, and asks nobody', async () => {
  const home = { OIDC_ISSUER: 'http://127.0.0.1:9', CLIENT_ID: 'worker', CLIENT_SECRET: 'x', LOG_LEVEL: 'silent' }
  const operations = (...words: string[]) => run(home, 'schema', 'operations', ...words)
  const printed = await operations()
  expect(printed).toMatchObject({ code: 0, err: '' })
  expect(printed.out).toMatch(/^# first login\nmutation RefreshUsers \{/)
  expect(JSON.parse((await operations('--json')).out)).toContainEqual({
    name: 'PullTopicsCount',
    query: expect.stringContaining('topics_aggregate'),
    senders: ['sync-topics'],
  })
})

test('schema operations prints the introspection in a folder without jobs and schemas too', async () => {
  await using sandbox = await openSandbox({ hasura: { seed: false } })
  await using home = await openHome(sandbox, 'introspector', ['viewer'])
  expect(await start(home.env, ['schema', 'operations', '--introspection'], home.folder).ended).toEqual({
    code: 0,
    out: expect.stringMatching(/^# schema pull, schema check, add, doctor\nquery IntrospectionQuery \{/),
    err: '',
  })
})

test('schema pull asks for a role if no job has one', async () => {
  await using sandbox = await openSandbox({ hasura: { seed: false } })
  await using home = await openHome(sandbox, 'idle', ['viewer'])
  await mkdir(join(home.folder, 'src/jobs'), { recursive: true })
  await writeFile(join(home.folder, 'src/jobs/list.ts'), 'export const jobs = []\n')
  expect(await start(home.env, ['schema', 'pull'], home.folder).ended).toEqual({
    code: 2,
    out: '',
    err: 'No job runs as a role of Hasura, so no schema was pulled: give --role\n',
  })
})
