import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect } from 'vitest'
import { syncUsers } from '../../examples/wiki/src/jobs/sync-users.ts'
import { variableOfSetting } from '../../src/config/setting-name.ts'
import { defineWebhook } from '../../src/webhooks/define-webhook.ts'
import { canRun } from '../fixtures/can-run.ts'
import { sandboxTest as test } from '../fixtures/sandbox-test.ts'
import { newSecret, openSubscription, openWebhooks } from '../webhooks/open-webhooks.ts'
import { findCodeBlocks, findCommands, projectFolder, readDocument, wordsOf } from './markdown.ts'
import { runSnippet } from './run-snippet.ts'

const execute = promisify(execFile)
const guide = readDocument('docs/webhooks.md')
const [subscription = '', receiver = ''] = codeIn('ts')
const secret = newSecret()
/** As the guide defines it. */
const usersToSearch = defineWebhook({ name: 'users-to-search', tables: [syncUsers.mirror] })

let folder = ''
/** What a receiver is sent by a worker. */
let sent = { headers: {}, body: '' }
test.beforeAll(async ({ sandbox }) => {
  folder = await mkdtemp(join(tmpdir(), 'webhooks-'))
  await using opened = await openWebhooks('embedded', sandbox)
  await using one = await openSubscription(opened.app, opened.env, { secret })
  await one.write({ rows: [{ id: 'a', n: '1' }] })
  await one.ask()
  await one.deliver()
  const [message] = one.receiver.received
  if (message) sent = { headers: message.headers, body: message.body }
})
test.afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
})

function codeIn(language: string): string[] {
  return findCodeBlocks(guide)
    .filter(block => block.language === language)
    .map(({ code }) => code)
}

test('the subscription that it shows is a job', async () => {
  const program = `
    const { usersToSearch: { name, follows } } = await import('./users-to-search.ts')
    console.log(JSON.stringify({ name, follows }))`
  const files = { 'users-to-search.ts': subscription, 'program.mjs': program }
  const syncUsersUrl = pathToFileURL(join(projectFolder, 'examples/wiki/src/jobs/sync-users.ts')).href
  const job = await runSnippet(folder, files, 'program.mjs', { modules: { './sync-users.ts': syncUsersUrl } })
  const { name, follows } = usersToSearch
  expect(JSON.parse(job)).toEqual({ name, follows })
})

test('its table has the settings that there are', () => {
  const variables = Object.keys(usersToSearch.settings?.shape ?? {}).map(variableOfSetting)
  expect(variables).not.toEqual([])
  for (const variable of variables) expect(guide).toContain(`\`${variable}\``)
})

test('its commands ask for what the job takes', () => {
  const payloads = findCommands(guide).map(command => wordsOf(command).at(-1) ?? '')
  expect(payloads).not.toEqual([])
  for (const payload of payloads) expect(usersToSearch.payload.safeParse(JSON.parse(payload)).success).toBe(true)
})

const hasReference = await canRun('python3', '-c', 'import standardwebhooks')

describe('a receiver', () => {
  const forged = () => ({ ...sent, body: sent.body.replace('"upsert"', '"delete"') })

  test('in TypeScript takes what the worker sends, and refuses what was changed on its way', async () => {
    expect(forged()).not.toEqual(sent)
    const program = `
      const { receive } = await import('./receiver.ts')
      for (const { headers, body } of ${JSON.stringify([sent, forged()])}) {
        const { status } = await receive(new Request('http://localhost/webhooks', { method: 'POST', headers, body }))
        console.log(status)
      }`
    const files = { 'receiver.ts': receiver, 'program.mjs': program }
    const env = { USERS_TO_SEARCH_SECRET: secret }
    const statuses = await runSnippet(folder, files, 'program.mjs', { env })
    expect(statuses).toBe('204\n400\n')
  })

  test.skipIf(!hasReference)('in Python does the same', async () => {
    const [code = ''] = codeIn('python')
    const program = `${code}
import json, sys
for message in json.loads(sys.argv[1]):
    print(receive(message["body"].encode(), message["headers"]))`
    const env = { PATH: process.env.PATH ?? '', USERS_TO_SEARCH_SECRET: secret }
    const { stdout } = await execute('python3', ['-c', program, JSON.stringify([sent, forged()])], { env })
    expect(stdout).toBe('204\n400\n')
  })
})
