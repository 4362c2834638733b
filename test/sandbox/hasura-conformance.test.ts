import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loadCases } from './conformance/load-cases.ts'
import { runCase } from './conformance/run-case.ts'
import { type SandboxHasura, startHasura } from './hasura/start-hasura.ts'

const jwtSecret = 'a secret of at least thirty-two bytes'

let hasura: SandboxHasura
beforeAll(async () => {
  hasura = await startHasura({ jwt: { key: jwtSecret } })
})
afterAll(() => hasura[Symbol.asyncDispose]())

const files = Map.groupBy(loadCases(), ({ file }) => file)
for (const [file, cases] of files) {
  describe(`the sandbox answers as Hasura does: ${file}`, () => {
    test.each(cases)('$name', async testCase => {
      expect(await runCase(testCase, { url: hasura.url, jwtSecret })).toBeUndefined()
    })
  })
}
