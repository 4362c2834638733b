import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loadSocketCases } from './conformance/load-socket-cases.ts'
import { runSocketCase } from './conformance/run-socket-case.ts'
import { type SandboxHasura, startHasura } from './hasura/start-hasura.ts'

const jwtSecret = 'a secret of at least thirty-two bytes'
const refetchMs = 100

describe('on a WebSocket the sandbox answers as Hasura does', () => {
  let hasura: SandboxHasura
  beforeAll(async () => {
    hasura = await startHasura({ jwt: { key: jwtSecret }, refetchMs })
  })
  afterAll(() => hasura[Symbol.asyncDispose]())
  test.each(loadSocketCases())('$file: $name', async testCase => {
    expect(await runSocketCase(testCase, { url: hasura.url, jwtSecret, refetchMs })).toBeUndefined()
  })
})
