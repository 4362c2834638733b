import { access, constants, mkdtemp, rm, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { hasOpenssl } from './certificates.ts'
import { chromiumPath } from './chromium.ts'
import { servicesWanted } from './find-server.ts'
import { startKeycloak } from './keycloak.ts'
import { phaseTwo } from './phase-two.ts'
import { hasPromtool } from './promtool.ts'
import './provided-services.ts'
import { nginxServer } from './start-nginx.ts'
import { pgbouncerServer } from './start-pgbouncer.ts'
import { postgresServer, startPostgres } from './start-postgres.ts'
import { redisServer, startRedis } from './start-redis.ts'

/** Starts once per run what tests share, and says at the end what couldn't be had. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const skipped: string[] = []
  const started = new AsyncDisposableStack()
  try {
    const folder = await mkdtemp(join(await chooseFolder(), 'hasura-sync-worker-shared-'))
    started.defer(() => rm(folder, { recursive: true, force: true }))
    project.provide('sharedFolder', folder)
    await provideRedis(project, started, skipped)
    await providePostgres(project, started, skipped)
    await provideKeycloak(project, started, skipped)
    if (!nginxServer)
      skipped.push(`the suite behind nginx (${servicesWanted ? 'no nginx in PATH nor in /usr/sbin' : UNWANTED})`)
    if (!pgbouncerServer) {
      skipped.push(`suites behind PgBouncer (${servicesWanted ? 'no pgbouncer in PATH nor in /usr/sbin' : UNWANTED})`)
    }
    if (project.vite.config.mode !== 'all') skipped.push('long suites, such as those of crashes (npm run test:all)')
    else {
      if (!process.env.SCHEMATHESIS) skipped.push('fuzzing by the OpenAPI document (set SCHEMATHESIS to its command)')
      if (!chromiumPath) skipped.push('the dashboard in a browser (no /usr/bin/chromium; set CHROMIUM_PATH)')
    }
    if (!hasPromtool)
      skipped.push(`the evaluation of alert rules (${servicesWanted ? 'no promtool in PATH' : UNWANTED})`)
    if (!hasOpenssl) skipped.push(`suites with certificates (${servicesWanted ? 'no openssl in PATH' : UNWANTED})`)
  } catch (error) {
    await started.disposeAsync()
    throw error
  }
  return async () => {
    await started.disposeAsync()
    for (const what of skipped) process.stderr.write(`skipped: ${what}\n`)
  }
}

/** In memory where there is room: databases are copied and thrown away all the time. */
async function chooseFolder(): Promise<string> {
  const memory = '/dev/shm'
  const free = await statfs(memory).then(
    ({ bavail, bsize }) => bavail * bsize,
    () => 0,
  )
  const isWritable = await access(memory, constants.W_OK).then(
    () => true,
    () => false,
  )
  return isWritable && free > 2 ** 30 ? memory : tmpdir()
}

async function provideRedis(project: TestProject, started: AsyncDisposableStack, skipped: string[]): Promise<void> {
  const url = servicesWanted ? process.env.TEST_REDIS_URL : undefined
  project.provide('ownsRedis', !url)
  if (url) project.provide('redisUrl', url)
  else if (redisServer) project.provide('redisUrl', started.use(await startRedis()).url)
  else skipped.push(`Redis suites (${servicesWanted ? 'no redis-server in PATH; set TEST_REDIS_URL' : UNWANTED})`)
}

async function providePostgres(project: TestProject, started: AsyncDisposableStack, skipped: string[]): Promise<void> {
  const url = servicesWanted ? process.env.TEST_DATABASE_URL : undefined
  if (url) project.provide('databaseUrl', url)
  else if (postgresServer) project.provide('databaseUrl', started.use(await startPostgres()).url)
  else skipped.push(`Postgres suites (${servicesWanted ? 'no postgres in PATH; set TEST_DATABASE_URL' : UNWANTED})`)
}

async function provideKeycloak(project: TestProject, started: AsyncDisposableStack, skipped: string[]): Promise<void> {
  if (servicesWanted && process.env.KEYCLOAK_HOME) {
    const { url, adminName, adminPassword, https } = started.use(await startKeycloak())
    project.provide('keycloak', { url, adminName, adminPassword, https })
    if (!phaseTwo)
      skipped.push("the suite of Phase Two (set PHASE_TWO_PROVIDERS to a folder with its extension's jars)")
  } else {
    skipped.push(`Keycloak suites (${servicesWanted ? 'set KEYCLOAK_HOME to an unpacked Keycloak 26' : UNWANTED})`)
  }
}

const UNWANTED = 'TEST_SERVICES=none'
