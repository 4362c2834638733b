import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { copyCheckout } from '../../test/fixtures/copy-project.ts'
import { type Mutant, readMutants } from './read-mutants.ts'
import { type Finder, runFinder } from './run-finder.ts'

const execute = promisify(execFile)

/** Milliseconds within which a defect must be detected. */
const withinMs = 300_000

/** What the tests need in a copy of the checkout, besides the sources. */
const parts = ['test', 'chaos', 'bench', 'docs', 'examples', 'schema', 'scripts', 'README.md', '.env.example']
const settings = ['vitest.config.ts', 'package-lock.json']

const tests = (name: string, files: readonly string[], test?: string): Finder => ({
  name,
  kind: 'tests',
  arguments: [...files, ...(test === undefined ? [] : ['-t', test])],
})

const quick = ['accept-request', 'claim-run', 'end-run', 'liveness', 'bootstrap-steps'].map(
  name => `test/runs/${name}.test.ts`,
)
/** They run after the test that the patch names, cheapest first. */
const finders: readonly Finder[] = [
  tests('quick tests', [
    ...quick,
    'test/serving/look.test.ts',
    'test/process/heartbeat.test.ts',
    'test/schedules/scheduler.test.ts',
  ]),
  tests('the explored protocol', ['test/runs/protocol.long.test.ts']),
  { name: 'chaos', kind: 'chaos', arguments: ['--seed', '7', '--seconds', '120'] },
]

export interface MutantRun {
  readonly mutant: Mutant
  /** Undefined if nothing detected it in time. */
  readonly foundBy: string | undefined
  readonly seconds: number
}

/**
 * Applies each planted defect to a copy of the checkout and runs the finders until one detects it.
 *
 * @param names of the mutants; empty for all
 * @throws Error if a name is unknown, a patch no longer applies, or a finder fails without a defect
 */
export async function runMutants(
  names: readonly string[],
  { signal, log }: { readonly signal: AbortSignal; log(line: string): void },
): Promise<readonly MutantRun[]> {
  const chosen = chooseMutants(readMutants(import.meta.dirname), names)
  const folder = await mkdtemp(join(tmpdir(), 'mutants-'))
  try {
    const copy = await copyCheckout(folder, [...parts, ...settings])
    await requireSound(copy, chosen, signal)
    const runs: MutantRun[] = []
    for (const mutant of chosen) {
      signal.throwIfAborted()
      const run = await runMutant(copy, mutant, signal)
      log(renderRun(run))
      runs.push(run)
    }
    return runs
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function chooseMutants(all: readonly Mutant[], names: readonly string[]): readonly Mutant[] {
  const unknown = names.find(name => !all.some(mutant => mutant.name === name))
  if (unknown !== undefined)
    throw new Error(`There is no mutant "${unknown}": ${all.map(({ name }) => name).join(', ')}`)
  return names.length === 0 ? all : all.filter(({ name }) => names.includes(name))
}

/** A test that fails without a defect detects nothing. */
async function requireSound(copy: string, mutants: readonly Mutant[], signal: AbortSignal): Promise<void> {
  const files = [...new Set(mutants.map(({ foundBy }) => foundBy.file))]
  const failed = await runFinder(copy, tests('the tests that patches name', files), signal)
  if (failed && failed.length > 0) throw new Error(`These tests fail without a defect: ${failed.join('; ')}`)
}

async function runMutant(copy: string, mutant: Mutant, signal: AbortSignal): Promise<MutantRun> {
  const startedAt = performance.now()
  const within = AbortSignal.any([signal, AbortSignal.timeout(withinMs)])
  const { file, test } = mutant.foundBy
  await applyPatch(copy, mutant)
  try {
    for (const finder of [tests(file, [file], test), ...finders]) {
      const failed = await runFinder(copy, finder, within)
      if (!failed) break
      const [first] = failed
      if (first !== undefined) return { mutant, foundBy: `${finder.name}: ${first}`, seconds: secondsSince(startedAt) }
    }
    signal.throwIfAborted()
    return { mutant, foundBy: undefined, seconds: secondsSince(startedAt) }
  } finally {
    await execute('git', ['apply', '--reverse', mutant.path], { cwd: copy })
  }
}

async function applyPatch(copy: string, { name, path }: Mutant): Promise<void> {
  await execute('git', ['apply', path], { cwd: copy }).catch(cause => {
    throw new Error(
      `${name}.patch no longer applies: plant the same defect in the current code and replace the patch`,
      { cause },
    )
  })
}

function secondsSince(startedAt: number): number {
  return Math.round((performance.now() - startedAt) / 1_000)
}

/** One line of the table: mutant, seconds, what found it. */
function renderRun({ mutant, foundBy, seconds }: MutantRun): string {
  return `${mutant.name.padEnd(34)} ${String(seconds).padStart(4)} s  ${foundBy ?? 'SURVIVES'}`
}
