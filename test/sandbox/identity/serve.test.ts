import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

test('prints its issuer and nothing else, serves, and ends on SIGTERM', async () => {
  const child = spawn(process.execPath, [fileURLToPath(new URL('./serve.ts', import.meta.url))])
  const errors = text(child.stderr)
  const [output] = await once(child.stdout, 'data')
  expect(String(output)).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/realms\/sandbox\n$/u)

  const credentials = { client_id: 'sync-worker', client_secret: 'sync-worker-secret' }
  const response = await fetch(`${String(output).trim()}/protocol/openid-connect/token`, {
    method: 'POST',
    body: new URLSearchParams({ grant_type: 'client_credentials', ...credentials }),
  })
  expect(response.status).toBe(200)

  const furtherOutput = text(child.stdout)
  child.kill('SIGTERM')
  const [code] = await once(child, 'exit')
  expect({ code, errors: await errors, furtherOutput: await furtherOutput }).toEqual({
    code: 0,
    // Its provider warns of each Node that isn't an LTS release yet.
    errors: expect.stringMatching(/^(oidc-provider WARNING: Unsupported runtime.*\n)?$/),
    furtherOutput: '',
  })
})
