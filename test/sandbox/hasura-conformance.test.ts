import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createDatabase, hasPostgres } from '../services/postgres.ts'
import { loadCases } from './conformance/load-cases.ts'
import { runCase } from './conformance/run-case.ts'
import { type SandboxHasura, startHasura } from './hasura/start-hasura.ts'

const jwtSecret = 'a secret of at least thirty-two bytes'
const files = Map.groupBy(loadCases(), ({ file }) => file)

describe('on its own database the sandbox answers as Hasura does', () => {
  let hasura: SandboxHasura
  beforeAll(async () => {
    hasura = await startHasura({ jwt: { key: jwtSecret } })
  })
  afterAll(() => hasura[Symbol.asyncDispose]())
  runAll(() => hasura.url)
})

describe.runIf(hasPostgres)('on a Postgres the sandbox answers as Hasura does', () => {
  const opened = new AsyncDisposableStack()
  let hasura: SandboxHasura
  beforeAll(async () => {
    const database = opened.use(await createDatabase())
    hasura = opened.use(await startHasura({ jwt: { key: jwtSecret }, databaseUrl: database.url }))
  })
  afterAll(() => opened.disposeAsync())
  runAll(() => hasura.url)
})

function runAll(url: () => string): void {
  for (const [file, cases] of files) {
    describe(file, () => {
      test.each(cases)('$name', async testCase => {
        expect(await runCase(testCase, { url: url(), jwtSecret })).toBeUndefined()
      })
    })
  }
}
