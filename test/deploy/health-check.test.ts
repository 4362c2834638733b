import { execFile } from 'node:child_process'
import { createServer } from 'node:http'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { readDocument } from '../docs/markdown.ts'
import { listenOnLoopback } from '../fixtures/listen-on-loopback.ts'
import { findFreePort } from '../services/free-port.ts'
import { parseDockerfile } from './dockerfile.ts'

describe.each(['Dockerfile', 'templates/project/Dockerfile'])('the health check of %s', path => {
  const instructions = parseDockerfile(readDocument(path)).at(-1)?.instructions ?? []
  const [, command = ''] = instructions.find(({ keyword }) => keyword === 'HEALTHCHECK')?.rest.split(' CMD ') ?? []
  const [, ...words] = z.array(z.string()).parse(JSON.parse(command))
  const check = (port: string, environment: Readonly<Record<string, string>> = {}) =>
    promisify(execFile)(process.execPath, words, { env: { PORT: port, ...environment } })

  test.each([
    [200, true],
    [503, false],
  ])('that is answered with %i passes: %s', async (status, passes) => {
    await using server = await listenOnLoopback(
      createServer(({ url }, response) => void response.writeHead(url === '/health/live' ? status : 404).end()),
    )
    const checked = check(new URL(server.url).port)
    await (passes ? checked : expect(checked).rejects.toMatchObject({ code: 1 }))
  })

  test('fails where nothing listens', async () => {
    await expect(check(String(await findFreePort()))).rejects.toMatchObject({ code: 1 })
  })

  test('uses no proxy of the environment', async () => {
    await using server = await listenOnLoopback(createServer((_request, response) => void response.end()))
    const proxy = `http://127.0.0.1:${await findFreePort()}`
    await check(new URL(server.url).port, { NODE_USE_ENV_PROXY: '1', HTTP_PROXY: proxy, HTTPS_PROXY: proxy })
  })
})
