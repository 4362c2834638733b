/**
 * Writes the JSON Schema of `ACCOUNTS_FILE` for editors to schema/accounts.schema.json. With `--check` it writes nothing, and
 * exits with 1 if the committed file differs.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { z } from 'zod'
import { accountsFileSchema } from '../src/config/accounts-file-schema.ts'

const file = new URL('../schema/accounts.schema.json', import.meta.url)
const schema = z.toJSONSchema(accountsFileSchema, { io: 'input', target: 'draft-2020-12' })
const text = `${JSON.stringify(schema, undefined, 2)}\n`

if (!process.argv.includes('--check')) {
  writeFileSync(file, text)
} else if (JSON.stringify(JSON.parse(readFileSync(file, 'utf8'))) !== JSON.stringify(schema)) {
  console.error(
    'schema/accounts.schema.json differs from src/config/accounts-file-schema.ts: run "npm run accounts-schema"',
  )
  process.exitCode = 1
}
