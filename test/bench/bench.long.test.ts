import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { postgresServer } from '../services/start-postgres.ts'
import { redisServer } from '../services/start-redis.ts'

const execute = promisify(execFile)
const bench = new URL('../../bench/bench.ts', import.meta.url).pathname

const resultsSchema = z.object({
  results: z.array(z.object({ what: z.string(), value: z.number().positive(), met: z.boolean() })),
})

// How fast it is depends on the machine; that each part of it still runs doesn't. dlt is left out, as it comes from PyPI.
describe.runIf(postgresServer)('the bench', () => {
  test('measures everything with a few rows, and exits with 1 when a limit is not met', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'hasura-sync-worker-bench-'))
    try {
      const names = ['remote', 'local', 'ranges', 'memory', 'no-change']
      const sizes = ['--rows', '450', '--runs', '1', '--page-size', '100']
      const { code, stdout } = await runBench(...names, ...sizes, '--results', folder)
      const [file = ''] = await readdir(folder)
      const { results } = resultsSchema.parse(JSON.parse(await readFile(join(folder, file), 'utf8')))
      expect(results.map(({ what }) => what.split(':')[0])).toEqual([...names, 'no-change'])
      for (const { what } of results) expect(stdout).toContain(what)
      expect(code).toBe(results.every(({ met }) => met) ? 0 : 1)
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  test.runIf(redisServer)('measures runs with a few requests', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'hasura-sync-worker-bench-'))
    try {
      const names = ['no-op', 'accept', 'start-latency', 'two-processes']
      const { stdout } = await runBench(...names, '--rows', '40', '--runs', '1', '--results', folder)
      for (const name of names) expect(stdout).toContain(`${name}:`)
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  test('refuses a name that it does not know', async () => {
    const { code, stderr } = await runBench('speed')
    expect(code).toBe(1)
    expect(stderr).toContain('There is no benchmark "speed"')
  })
})

async function runBench(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return execute(process.execPath, [bench, ...args]).then(
    ended => ({ code: 0, ...ended }),
    (error: unknown) => z.object({ code: z.number(), stdout: z.string(), stderr: z.string() }).parse(error),
  )
}
