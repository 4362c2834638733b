/**
 * Writes the description of the HTTP API to schema/openapi.json. With `--check` it writes nothing, and exits with 1 if the
 * committed file differs.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import { describeApi } from '../src/http/openapi.ts'

const file = new URL('../schema/openapi.json', import.meta.url)
const text = `${JSON.stringify(describeApi(), null, 2)}\n`

if (!process.argv.includes('--check')) {
  writeFileSync(file, text)
} else if (!isDeepStrictEqual(JSON.parse(readFileSync(file, 'utf8')), JSON.parse(text))) {
  console.error('schema/openapi.json differs from the description in src/http/: run "npm run openapi"')
  process.exitCode = 1
}
