// npm run chaos [-- --seed N --seconds S --backend redis|postgres|embedded --workers N --only KIND --logs FOLDER]
// npm run chaos -- --mutants [NAME…]
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { faultKinds } from './faults/fault-kinds.ts'
import { runMutants } from './mutants/run-mutants.ts'
import { findSilentGuards, renderReport } from './print-report.ts'
import { runChaos } from './run-chaos.ts'
import { type Backend, backends } from './world.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    mutants: { type: 'boolean', default: false },
    seed: { type: 'string' },
    seconds: { type: 'string', default: '60' },
    backend: { type: 'string', default: 'redis' },
    workers: { type: 'string', default: '3' },
    only: { type: 'string', multiple: true },
    logs: { type: 'string' },
  },
})
const seconds = readCount('seconds', values.seconds)
const seed = values.seed === undefined ? Math.floor(Math.random() * 1_000_000) : readCount('seed', values.seed)
const backend = readBackend(values.backend)
// An embedded database has one owner.
const workers = backend === 'embedded' ? 1 : readCount('workers', values.workers)
const known = faultKinds(backend, true).map(({ name }) => name)
const stranger = values.only?.find(name => !known.includes(name))
if (stranger !== undefined) refuse(`--only is "${stranger}": give one of ${known.join(', ')}`)

const stop = new AbortController()
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(name, () => stop.abort(new DOMException(`${name} was received`, 'AbortError')))
}

try {
  if (values.mutants) await findMutants()
  else await breakThings()
} catch (error) {
  if (!stop.signal.aborted) throw error
  console.error('stopped before the results were checked')
  process.exitCode = 130
}
// Without this, Node would wait for sockets that were reset.
await Promise.all([process.stdout, process.stderr].map(stream => new Promise(resolve => stream.write('', resolve))))
process.exit()

async function findMutants(): Promise<void> {
  const runs = await runMutants(positionals, { signal: stop.signal, log: console.log })
  const survivors = runs.filter(({ foundBy }) => foundBy === undefined).length
  console.log(`mutants: ${runs.length}, survivors: ${survivors}`)
  process.exitCode = survivors === 0 ? 0 : 1
}

async function breakThings(): Promise<void> {
  const logFolder = values.logs ?? (await mkdtemp(join(tmpdir(), 'chaos-logs-')))
  const report = await runChaos({
    seed,
    seconds,
    backend,
    workers,
    only: values.only,
    logFolder,
    signal: stop.signal,
    log: console.error,
  })
  const silent = findSilentGuards(report, { backend, seconds })
  console.log(renderReport(report))
  for (const { promise, found, at } of report.violations) {
    console.log(`violated after ${(at / 1_000).toFixed(1)} s: ${promise}: ${found}`)
  }
  for (const { guard, times, least } of silent) {
    console.log(
      `The guard "${guard}" fired ${times} times instead of at least ${least}: this run proves too little about it.`,
    )
  }
  const isGood = report.violations.length === 0 && silent.length === 0
  if (isGood && values.logs === undefined) await rm(logFolder, { recursive: true, force: true })
  else console.log(`The workers' logs are in ${logFolder}; repeat the plan with --seed ${seed}`)
  const total = report.faults.entries().reduce((sum, [, times]) => sum + times, 0)
  console.log(`faults: ${total}, violations: ${report.violations.length}`)
  process.exitCode = isGood ? 0 : 1
}

function readCount(name: string, text: string): number {
  const count = Number(text)
  if (Number.isInteger(count) && count >= 0) return count
  return refuse(`--${name} is "${text}": give a whole number`)
}

function readBackend(text: string): Backend {
  return backends.find(known => known === text) ?? refuse(`--backend is "${text}": give one of ${backends.join(', ')}`)
}

function refuse(sentence: string): never {
  console.error(sentence)
  process.exit(2)
}
