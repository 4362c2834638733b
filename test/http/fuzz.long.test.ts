import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { httpLimits } from '../../src/http/create-fastify.ts'
import { createHttp } from '../../src/http/create-http.ts'
import { describeApi } from '../../src/http/openapi.ts'
import { openDataDir } from '../fixtures/data-dir.ts'
import { letIn } from '../fixtures/let-in.ts'
import { openTestApp } from '../fixtures/open-test-app.ts'
import { takeAnything } from '../fixtures/take-anything.ts'

/** The path of schemathesis' command `st`: `pip install schemathesis==4.32.5` in an environment of its own. */
const command = process.env.SCHEMATHESIS

const checks = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_headers_conformance',
  'response_schema_conformance',
  'unsupported_method',
]

test.runIf(command)(
  'whatever the description allows or not, no answer is a 5xx or another than is described',
  async () => {
    await using app = await openTestApp({ jobs: [takeAnything('take-anything')], firstLogin: null })
    const limits = { ...httpLimits, requestsPerMinute: 1_000_000 }
    const scrape = async () => ({ contentType: 'text/plain; version=0.0.4', text: '' })
    const { operations } = app
    const { log } = app.logged
    const open = { authorize: letIn, knowsHookSecret: async () => true }
    await using http = createHttp({ operations, log, limits, scrape, ...open })
    const url = await http.listen({ host: '127.0.0.1', port: 0 })
    await using folder = await openDataDir()
    const file = join(folder.path, 'openapi.json')
    // A job that there is, so that more than names is asked for.
    const described = JSON.stringify(describeApi(), (_key, value) =>
      value?.name === 'job' && value.in === 'path' ? { ...value, schema: { enum: ['take-anything', 'none'] } } : value,
    )
    await writeFile(file, described)
    const asked = ['run', file, '--url', url, '--checks', checks.join(), '--max-examples', '20', '--no-color']
    const { stdout } = await promisify(execFile)(command ?? '', asked, { cwd: folder.path, maxBuffer: 1e8 }).catch(
      error => error,
    )
    expect(stdout).toMatch(/(\d+) generated, \1 passed/)
  },
)
