import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { firstLogin } from '../../examples/wiki/src/jobs/first-login.ts'
import { jobs } from '../../examples/wiki/src/jobs/list.ts'
import { loadDefinitions } from '../../src/app/load-definitions.ts'
import { runCli } from '../../src/cli/run-cli.ts'
import type { JobDefinition } from '../../src/definitions/define-job.ts'
import { type Clock, systemClock } from '../../src/time/clock.ts'
import { bareEnvironment } from '../fixtures/bare-environment.ts'
import { openDataDir } from '../fixtures/data-dir.ts'
import type { Sandbox } from '../fixtures/open-sandbox.ts'
import { mainPath, wikiProject } from '../fixtures/wiki-project.ts'

export type Environment = Readonly<Record<string, string>>

export interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** The command as `main.ts` runs it, in this process, with nothing of this process' own environment and no `.env`. */
export async function run(env: Environment, ...argv: string[]): Promise<Ended> {
  return runWith(env, argv)
}

export interface Surroundings {
  readonly signal?: AbortSignal
  readonly envFilePath?: string
  /** Where a person is watching, how wide the terminal is. */
  readonly columns?: number
  /** What a person answers to every question. */
  readonly answer?: string
  readonly clock?: Clock
  /** The project's; default: that of the wiki. */
  readonly folder?: string
  /** Beside those of the wiki. */
  readonly moreJobs?: readonly JobDefinition[]
}

export async function runWith(
  env: Environment,
  argv: readonly string[],
  {
    signal = new AbortController().signal,
    envFilePath = '/nowhere/.env',
    columns,
    answer,
    clock = systemClock,
    folder,
    moreJobs = [],
  }: Surroundings = {},
): Promise<Ended> {
  let out = ''
  let err = ''
  const code = await runCli({
    argv,
    version: '1.2.3',
    engineFolder: new URL('../../', import.meta.url),
    envFilePath,
    env: { LOG_LEVEL: 'silent', ...env },
    terminal: {
      out(text) {
        out += text
      },
      err(text) {
        err += text
      },
      isInteractive: columns !== undefined,
      hasColors: false,
      columns,
      errColumns: () => columns,
      ask: answer === undefined ? undefined : async () => answer,
    },
    reserveOutput() {},
    signal,
    onHangup: () => () => {},
    onUnforeseen() {},
    host: {
      clock,
      hostname: hostname(),
      pid: process.pid,
      uid: process.getuid?.(),
      project: folder === undefined ? wikiProject : { ...wikiProject, folder },
      readSecretFile: path => readFile(path, 'utf8'),
    },
    loadDefinitions: async project =>
      project === wikiProject ? { jobs: [...jobs, ...moreJobs], firstLogin } : loadDefinitions(project),
  })
  return { code, out, err }
}

/** The command as a process of its own, in the folder of a project. */
export function start(env: Environment, argv: readonly string[], folder = wikiProject.folder) {
  return startProcess(env, process.execPath, [mainPath, ...argv], { cwd: folder })
}

/**
 * Ended is what it started as well, as far as that shares its output.
 *
 * @param isGroup what it starts is killed with it
 */
export function startProcess(
  env: Environment,
  program: string,
  argv: readonly string[],
  { cwd, isGroup = false }: { readonly cwd: string; readonly isGroup?: boolean },
) {
  const child = spawn(program, argv, {
    cwd,
    detached: isGroup,
    env: { ...bareEnvironment, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let out = ''
  let err = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text
  })
  const ended = once(child, 'close').then((): Ended => ({ code: child.exitCode, out, err }))
  return {
    ended,
    pid: child.pid,
    err: () => err,
    kill: (signal: NodeJS.Signals) => child.kill(signal),
    async [Symbol.asyncDispose]() {
      if (isGroup && child.pid !== undefined) killGroup(child.pid)
      else child.kill('SIGKILL')
      await ended
    },
  }
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch (error) {
    // Nobody of it is left.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}

/** A worker that is ready. */
export async function startWorker(env: Environment) {
  return untilReady(start({ PORT: '0', ...env }, ['worker']))
}

export async function untilReady(worker: ReturnType<typeof start>): Promise<ReturnType<typeof start>> {
  const early = await Promise.race([worker.ended, seen(() => worker.err().includes('worker ready'))])
  if (early) throw new Error(`the worker ended with ${early.code}: ${early.err}`)
  return worker
}

async function seen(condition: () => boolean): Promise<undefined> {
  while (!condition()) await systemClock.sleep(20)
  return undefined
}

/** The environment of an account of the sandbox, in a folder of its own. */
export async function openHome(sandbox: Sandbox, clientId: string, roles = ['viewer']) {
  const folder = await mkdtemp(join(tmpdir(), 'hasura-sync-worker-cli-'))
  const dataDir = await openDataDir()
  const secretFile = join(folder, 'secret')
  const clientSecret = `secret-of-${clientId}`
  await writeFile(secretFile, `${clientSecret}\n`)
  sandbox.idp.addClient({ clientId, clientSecret, roles, email: `${clientId}@wiki.example` })
  const env = {
    OIDC_ISSUER: sandbox.idp.issuer,
    CLIENT_ID: clientId,
    CLIENT_SECRET_FILE: secretFile,
    HASURA_URL: sandbox.hasura.url,
    DATA_DIR: dataDir.path,
  }
  return {
    folder,
    secretFile,
    env,
    async [Symbol.asyncDispose]() {
      await dataDir[Symbol.asyncDispose]()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
