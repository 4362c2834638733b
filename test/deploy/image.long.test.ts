import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { projectFolder } from '../docs/markdown.ts'
import { openSandbox, type Sandbox } from '../fixtures/open-sandbox.ts'
import { createDatabase, hasPostgres } from '../services/postgres.ts'
import { checkImage } from './check-image.ts'
import { mountsOf, readService } from './compose-file.ts'
import { buildImage, type Image } from './image.ts'
import { canRunInRoot } from './run-in-root.ts'

const composeFile = 'examples/wiki/compose.yaml'
const service = readService(composeFile, 'worker')

describe.runIf(canRunInRoot)('the image of the Dockerfile, with the wiki as its project', () => {
  let folder = ''
  let image: Image
  let sandbox: Sandbox
  const binds = mountsOf(service).map(mount => ({
    ...mount,
    source: join(projectFolder, dirname(composeFile), mount.source),
  }))
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'image-'))
    const built = await buildImage(join(projectFolder, 'Dockerfile'), { context: projectFolder, folder })
    image = { ...built, command: service.command, workingFolder: service.working_dir ?? built.workingFolder }
    sandbox = await openSandbox({ clients: [{ clientId: 'contained', clientSecret: 'secret', roles: ['viewer'] }] })
  })
  afterAll(async () => {
    await sandbox[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  })

  test.each(['embedded', ...(hasPostgres ? ['postgres'] : [])])('works in a read-only root, %s', async store => {
    expect(service.read_only).toBe(true)
    await using opened = new AsyncDisposableStack()
    const account = {
      OIDC_ISSUER: sandbox.idp.issuer,
      CLIENT_ID: 'contained',
      CLIENT_SECRET: 'secret',
      HASURA_URL: sandbox.hasura.url,
    }
    const environment =
      store === 'embedded' ? account : { ...account, DATABASE_URL: opened.use(await createDatabase()).url }
    await checkImage(image, { environment, binds, hasVolumes: store === 'embedded', job: 'sync-articles' })
  })
})
