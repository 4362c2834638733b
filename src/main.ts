#!/usr/bin/env node
import { readFile } from 'node:fs/promises'
import { setDefaultAutoSelectFamilyAttemptTimeout } from 'node:net'
import { hostname } from 'node:os'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { isMainThread } from 'node:worker_threads'
import { trace } from '@opentelemetry/api'
import { resolveToSources } from './app/source-condition.ts'
import { explainExit } from './cli/explain-exit.ts'
import { openOutput } from './cli/open-output.ts'
import type { UnforeseenKind } from './cli/unforeseen.ts'
import type { Project } from './config/project.ts'
import { ConfigError, CrashError } from './errors.ts'
import { type Explanation, renderExplanation } from './explanation.ts'
import { findNodeProblem, readEngineManifest } from './init/engine-package.ts'
import { explainReplaced, findReplacedPackages } from './init/replaced-packages.ts'
import { systemClock } from './time/clock.ts'
import { flushSpans } from './traces/flush-spans.ts'
import { createTraceObserver } from './traces/trace-observer.ts'

/**
 * How long a connection to one of a host's several addresses may take before the next one is tried. Node's 250 ms are shorter than a
 * handshake with another continent, so no address would ever respond in time; the shortest limit for a connection is 2 s.
 */
setDefaultAutoSelectFamilyAttemptTimeout(1_000)

/**
 * Node looks names up in at most half of its threads, which start at their first use. Four are the default: then two names whose DNS
 * servers don't answer keep every other name waiting for 10 seconds or more, those of Postgres and Redis as well.
 */
process.env.UV_THREADPOOL_SIZE ??= '32'

/** A worker stops within 9 seconds of a signal; after this time, whatever hangs (such as a job's module that never loads) is cut off. */
const stopWithinMs = 10_000

const stop = new AbortController()
function stopSoon(why: Error): void {
  if (stop.signal.aborted) return
  stop.abort(why)
  setTimeout(() => exit(1), stopWithinMs).unref()
}

/** A job that ends the process must not look like a command that is done. */
function tellExit(code: number): void {
  const why = explainExit(code)
  if (!why) return
  process.stderr.write(`${renderExplanation(why)}\n`)
  process.exitCode = code || 1
}
process.on('exit', tellExit)

function exit(code: number): never {
  process.off('exit', tellExit)
  process.exit(code)
}

// Without a listener, a second signal would kill the process: npm forwards the Ctrl+C that a terminal sends to both.
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stopSoon(received(signal)))
process.on('SIGHUP', () => {
  // Of a terminal that was closed, or from someone who expects a reload where there is nothing to reload.
  if (process.listenerCount('SIGHUP') === 1) stopSoon(received('SIGHUP'))
})

function received(signal: NodeJS.Signals): Error {
  return new DOMException(`${signal} was received`, 'AbortError')
}

for (const stream of [process.stdout, process.stderr]) {
  // A reader such as head may close the pipe early: the command hasn't failed.
  stream.on('error', () => {})
}

// Signals reach no thread, and a thread that ends leaves its process running.
if (!isMainThread) {
  refuse({
    found: 'This is a thread of another program',
    remedy: 'start hasura-sync-worker as a process of its own, such as with "fork" of node:child_process',
  })
}

const output = openOutput(process.stdout)

async function ask(question: string, signal: AbortSignal): Promise<string> {
  const reader = createInterface({ input: process.stdin, output: process.stderr })
  try {
    return await reader.question(question, { signal })
  } finally {
    reader.close()
  }
}

/** Some terminals report 0 columns. */
function columnsOf(stream: NodeJS.WriteStream): number | undefined {
  return stream.isTTY === true ? stream.columns || undefined : undefined
}

function onIdle(listener: () => void): () => void {
  process.on('beforeExit', listener)
  return () => process.off('beforeExit', listener)
}

// Node strips types only outside node_modules: a .ts main is a checkout.
const nodeArguments = import.meta.url.endsWith('.ts') ? resolveToSources() : []
const project: Project = {
  folder: resolve(),
  node: [process.execPath, ...nodeArguments],
}

// The package's folder, for sources and built code alike.
const engineFolder = new URL('../', import.meta.url)
const engine = await readEngineManifest(engineFolder).catch((error: unknown) => {
  if (!(error instanceof ConfigError)) throw error
  return refuse(error)
})
const nodeProblem = findNodeProblem(engine, process.versions, 'WebAssembly' in globalThis)
if (nodeProblem) refuse(nodeProblem)
const replaced = await findReplacedPackages(engine, name => import.meta.resolve(name))
if (replaced.some(({ isOutdated }) => isOutdated)) refuseReplaced()

function refuse(why: Explanation): never {
  process.stderr.write(`${renderExplanation(why)}\n`)
  exit(2)
}

function refuseReplaced(): never {
  refuse(explainReplaced("hasura-sync-worker can't work with the packages that are installed for it", replaced))
}

// Not before the checks: undici, for one, can't be loaded by what is refused.
const [{ runCli }, { loadDefinitions }] = await Promise.all([
  import('./cli/run-cli.ts'),
  import('./app/load-definitions.ts'),
]).catch((error: unknown) => {
  if (replaced.length === 0) throw error
  return refuseReplaced()
})

/** An uncaught exception ends the process: the state that it left inconsistent may also keep it from stopping. */
let brokeOff = false

const exitCode = await runCli({
  argv: process.argv.slice(2),
  env: process.env,
  envFilePath: resolve('.env'),
  engineFolder,
  version: engine.version,
  warning:
    replaced.length > 0
      ? explainReplaced('hasura-sync-worker was tested with other packages than are installed for it', replaced)
      : undefined,
  terminal: {
    out: output.write,
    err: text => void process.stderr.write(text),
    isInteractive: process.stderr.isTTY === true,
    hasColors: process.stderr.isTTY === true && process.stderr.hasColors(),
    columns: columnsOf(process.stdout),
    errColumns: () => columnsOf(process.stderr),
    ask: process.stdin.isTTY && process.stderr.isTTY ? ask : undefined,
  },
  reserveOutput: () => output.reserve(process.stderr),
  signal: stop.signal,
  onHangup(listener) {
    process.on('SIGHUP', listener)
    return () => process.off('SIGHUP', listener)
  },
  onUnforeseen(listener) {
    const listen = (kind: UnforeseenKind) => (thrown: unknown) => {
      if (listener(thrown, kind) === 'go on' || brokeOff) return
      brokeOff = true
      stopSoon(new CrashError())
    }
    process.on('unhandledRejection', listen('rejection'))
    process.on('uncaughtException', listen('exception'))
  },
  host: {
    project,
    clock: systemClock,
    hostname: hostname(),
    pid: process.pid,
    uid: process.getuid?.(),
    readSecretFile: path => readFile(path, 'utf8'),
    observers: [createTraceObserver(trace.getTracer('hasura-sync-worker', engine.version))],
  },
  loadDefinitions: project => loadDefinitions(project, onIdle),
})

const outputProblem = output.findProblem()
if (outputProblem) process.stderr.write(`${renderExplanation(outputProblem)}\n`)

await flushSpans(systemClock)
// A queue driver that still retries its connection would keep the process alive forever.
await Promise.all([output.flush(), new Promise(resolve => process.stderr.write('', resolve))])
exit(brokeOff || (outputProblem && exitCode === 0) ? 1 : exitCode)
