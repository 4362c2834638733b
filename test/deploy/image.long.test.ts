import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { projectFolder } from '../docs/markdown.ts'
import { openSandbox, type Sandbox } from '../fixtures/open-sandbox.ts'
import { findFreePort } from '../services/free-port.ts'
import { createDatabase, hasPostgres } from '../services/postgres.ts'
import { mountsOf, readService } from './compose-file.ts'
import { buildImage, type Image } from './image.ts'
import { canRunInRoot, runInRoot } from './run-in-root.ts'

const composeFile = 'examples/wiki/compose.yaml'
const service = readService(composeFile, 'worker')

describe.runIf(canRunInRoot)('the image of the Dockerfile, with the wiki as its project', () => {
  let folder = ''
  let image: Image
  let sandbox: Sandbox
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'image-'))
    image = await buildImage(join(projectFolder, 'Dockerfile'), { context: projectFolder, folder })
    sandbox = await openSandbox({ clients: [{ clientId: 'contained', clientSecret: 'secret', roles: ['viewer'] }] })
  })
  afterAll(async () => {
    await sandbox[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  })

  test.each(['embedded', ...(hasPostgres ? ['postgres'] : [])])('works in a read-only root, %s', async store => {
    await using opened = new AsyncDisposableStack()
    const port = String(await findFreePort())
    const environment = {
      ...image.environment,
      // Not of all addresses, as it is inside a container.
      HOST: '127.0.0.1',
      PORT: port,
      OIDC_ISSUER: sandbox.idp.issuer,
      CLIENT_ID: 'contained',
      CLIENT_SECRET: 'secret',
      HASURA_URL: sandbox.hasura.url,
      ...(store === 'postgres' && { DATABASE_URL: opened.use(await createDatabase()).url }),
    }
    // A volume begins with what the image has in its place.
    const volumes = image.volumes.map(path => ({ source: join(image.root, path), target: path, isReadOnly: false }))
    const mounts = mountsOf(service).map(mount => ({
      ...mount,
      source: join(projectFolder, dirname(composeFile), mount.source),
    }))
    const worker = opened.use(
      runInRoot(service.command, {
        ...image,
        workingFolder: service.working_dir ?? image.workingFolder,
        isReadOnly: service.read_only,
        binds: [...mounts, ...(store === 'postgres' ? [] : volumes)],
        environment,
      }),
    )
    await expect.poll(() => worker.output()).toContain('worker ready')
    expect((await fetch(`http://127.0.0.1:${port}/health/ready`)).status).toBe(200)
    const [, ...check] = image.healthCheck
    await promisify(execFile)(process.execPath, check, { env: { PORT: port } })
    await expect
      .poll(() => worker.output())
      .toMatch(/"job":"sync-articles".*run succeeded|run succeeded.*sync-articles/)
    // The worker itself cuts off what still hangs after 10 seconds, and ends with 1 then.
    expect(await worker.stop(Number.parseInt(service.stop_grace_period ?? '', 10) * 1_000)).toBe(0)
    expect(worker.output()).not.toMatch(/EROFS|EACCES|"level":(?:40|50|60)/)
  })
})
