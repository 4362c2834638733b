import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'

/** What may detect a defect: tests, or a run of the harness. */
export interface Finder {
  readonly name: string
  readonly kind: 'tests' | 'chaos'
  /** The arguments of `vitest run`, or of `chaos.ts`. */
  readonly arguments: readonly string[]
}

/** A defect may make a test wait forever. It counts as detected after this time, in milliseconds. */
const patienceMs = '150000'

const reportSchema = z.object({
  testResults: z.array(
    z.object({
      status: z.string(),
      message: z.string(),
      assertionResults: z.array(z.object({ status: z.string(), fullName: z.string() })),
    }),
  ),
})

/**
 * Runs a finder in a copy of the checkout until it ends or the signal aborts it.
 *
 * @returns what failed; undefined if it was aborted
 * @throws Error if it ran no test, or could not start
 */
export async function runFinder(
  copy: string,
  finder: Finder,
  signal: AbortSignal,
): Promise<readonly string[] | undefined> {
  const report = join(copy, 'report.json')
  // The report of the previous run must not be taken for this one's.
  await rm(report, { force: true })
  const [script, ...before] =
    finder.kind === 'tests'
      ? ['node_modules/vitest/vitest.mjs', 'run', '--mode', 'all', '--bail', '1', '--testTimeout', patienceMs]
      : ['chaos/chaos.ts']
  const child = spawn(process.execPath, [script, ...before, ...finder.arguments], {
    cwd: copy,
    env: { ...process.env, TEST_REPORT: report },
    stdio: 'ignore',
    // Its own process group, so that the servers that it starts end with it.
    detached: true,
  })
  const stop = () => {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
  }
  signal.addEventListener('abort', stop)
  const [code] = await once(child, 'exit')
  signal.removeEventListener('abort', stop)
  if (signal.aborted) return undefined
  if (finder.kind === 'chaos') return code === 1 ? ['a promise'] : []
  const { testResults } = reportSchema.parse(JSON.parse(await readFile(report, 'utf8')))
  const tests = testResults.flatMap(file => file.assertionResults)
  const failed = tests.filter(({ status }) => status === 'failed').map(({ fullName }) => fullName)
  const broken = testResults
    .filter(({ status, message }) => status === 'failed' && message)
    .map(({ message }) => message)
  if (tests.length + broken.length === 0) throw new Error(`${finder.name} ran no test`)
  if (failed.length + broken.length === 0 && code !== 0) return [`vitest ended with ${code}`]
  return [...failed, ...broken]
}
