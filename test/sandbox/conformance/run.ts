// npm run conformance -- --url http://localhost:8080/v1/graphql --jwt-secret <HS256 secret> [--only <text>]
import { parseArgs } from 'node:util'
import { loadCases } from './load-cases.ts'
import { runCase } from './run-case.ts'

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
for (const testCase of loadCases()) {
  const title = `${testCase.file}: ${testCase.name}`
  if (!title.includes(only)) continue
  const failure = await runCase(testCase, { url, jwtSecret })
  if (failure === undefined) {
    passed += 1
    continue
  }
  failed += 1
  console.log(`✗ ${title}\n    ${failure}`)
}
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
