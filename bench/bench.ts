// npm run bench [-- <name>… --rows N --runs N --page-size N --results FOLDER]
import { mkdir, writeFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { isMet, type Result } from './benchmark.ts'
import { accept } from './benchmarks/accept.ts'
import { dashboard } from './benchmarks/dashboard.ts'
import { dlt } from './benchmarks/dlt.ts'
import { eachMinute } from './benchmarks/each-minute.ts'
import { fairness } from './benchmarks/fairness.ts'
import { hook } from './benchmarks/hook.ts'
import { http } from './benchmarks/http.ts'
import { idle } from './benchmarks/idle.ts'
import { live } from './benchmarks/live.ts'
import { local } from './benchmarks/local.ts'
import { memory } from './benchmarks/memory.ts'
import { noChange } from './benchmarks/no-change.ts'
import { noOp } from './benchmarks/no-op.ts'
import { pickup } from './benchmarks/pickup.ts'
import { ranges } from './benchmarks/ranges.ts'
import { remote } from './benchmarks/remote.ts'
import { startLatency } from './benchmarks/start-latency.ts'
import { twoProcesses } from './benchmarks/two-processes.ts'
import { openBench } from './open-bench.ts'
import { tableOf } from './print-table.ts'

const pulling = [remote, local, dlt, ranges, memory, noChange]
const running = [
  ...[noOp, accept, startLatency, pickup, eachMinute, fairness, twoProcesses],
  ...[http, hook, idle, ...live, dashboard],
]
const benchmarks = [...pulling, ...running]
const names = benchmarks.map(({ name }) => name)

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rows: { type: 'string' },
    runs: { type: 'string', default: '5' },
    'page-size': { type: 'string', default: '1000' },
    results: { type: 'string', default: join(import.meta.dirname, 'results') },
  },
})
/** `live` stands for `live-1`, `live-20` and so on. */
const isPartOf = (name: string, wanted: string) => name === wanted || name.startsWith(`${wanted}-`)
const unknown = positionals.find(wanted => !names.some(name => isPartOf(name, wanted)))
if (unknown !== undefined) throw new Error(`There is no benchmark "${unknown}": give one of ${names.join(', ')}`)
const sizes = {
  rows: values.rows === undefined ? undefined : readCount(values.rows),
  runs: readCount(values.runs),
  pageSize: readCount(values['page-size']),
}

const results: Result[] = []
{
  await using bench = await openBench()
  for (const benchmark of benchmarks) {
    if (positionals.length > 0 && !positionals.some(wanted => isPartOf(benchmark.name, wanted))) continue
    console.error(`${benchmark.name} …`)
    results.push(...(await benchmark.measure(bench, sizes)))
  }
}

const file = join(values.results, `${new Date().toISOString().replaceAll(':', '-')}.json`)
await mkdir(values.results, { recursive: true })
const machine = { node: process.version, cores: cpus().length, model: cpus()[0]?.model }
await writeFile(file, JSON.stringify({ machine, ...sizes, results: results.map(toJson) }, null, 2))
console.log(tableOf(results))
console.log(`\n${cpus().length} cores, Node ${process.version}, ${sizes.runs} runs; ${file}`)
process.exitCode = results.every(isMet) ? 0 : 1

function toJson(result: Result) {
  return { ...result, met: isMet(result) }
}

function readCount(text: string): number {
  const count = Number(text)
  if (!Number.isInteger(count) || count < 1)
    throw new Error(`"${text}" is not a count: give a whole number of at least 1`)
  return count
}
