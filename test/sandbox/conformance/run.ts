// npm run conformance -- --url http://localhost:8080/v1/graphql --jwt-secret <HS256 secret> [--only <text>]
import { parseArgs } from 'node:util'
import { loadCases } from './load-cases.ts'
import { loadSocketCases } from './load-socket-cases.ts'
import { runCase } from './run-case.ts'
import { runSocketCase } from './run-socket-case.ts'

const { values } = parseArgs({
  options: { url: { type: 'string' }, 'jwt-secret': { type: 'string' }, only: { type: 'string', default: '' } },
})
const { url, 'jwt-secret': jwtSecret, only } = values
if (url === undefined || jwtSecret === undefined) {
  console.error('usage: npm run conformance -- --url <graphql endpoint> --jwt-secret <HS256 secret> [--only <text>]')
  process.exit(2)
}

let passed = 0
let failed = 0
const target = { url, jwtSecret, refetchMs: 1_000 }
const checks = [
  ...loadCases().map(testCase => ({ ...testCase, check: () => runCase(testCase, target) })),
  ...loadSocketCases().map(testCase => ({ ...testCase, check: () => runSocketCase(testCase, target) })),
]
for (const { file, name, check } of checks) {
  const title = `${file}: ${name}`
  if (!title.includes(only)) continue
  const failure = await check()
  if (failure === undefined) {
    passed += 1
    continue
  }
  failed += 1
  console.log(`✗ ${title}\n    ${failure}`)
}
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
