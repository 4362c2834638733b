import { join } from 'node:path'
import { defaultServerConditions } from 'vite'
import { configDefaults, defineConfig } from 'vitest/config'
import { measureSlowness } from './test/services/measure-slowness.ts'

const hasKeycloak = Boolean(process.env.KEYCLOAK_HOME) && process.env.TEST_SERVICES !== 'none'
const slowness = measureSlowness()

// Of processes that tests start, only the first strips and compiles what they all run.
process.env.NODE_COMPILE_CACHE ??= join(import.meta.dirname, 'node_modules/.cache/compiled')

/** Without `module`, which Node doesn't know: it names files that only bundlers can read. */
const conditionsOfNode = defaultServerConditions.filter(condition => condition !== 'module')

/** `--mode all`, which is `npm run test:all`, adds the long suites. */
export default defineConfig(({ mode }) => ({
  // Jobs import the engine by its name.
  ssr: { resolve: { conditions: ['@hasura-sync-worker/source', ...conditionsOfNode] } },
  test: {
    environment: 'node',
    pool: 'forks',
    // More than cores of a small machine: many tests wait for what they have caused.
    maxWorkers: 3,
    // A file takes longer to import what it tests than to test it: files share a process, and what it has imported.
    isolate: false,
    include: ['test/**/*.test.ts'],
    exclude: [
      ...configDefaults.exclude,
      ...(mode === 'all' ? [] : ['test/**/*.long.test.ts']),
      ...(hasKeycloak ? [] : ['test/**/*.keycloak.test.ts']),
    ],
    globalSetup: './test/services/global-setup.ts',
    // CI counts the tests of a run it only knows the script of.
    reporters: ['default', ...jsonReport()],
    // No test has a patience of its own: what it waits for is a state, and how long that takes depends on the machine.
    testTimeout: (mode === 'all' ? 600_000 : 120_000) * slowness,
    hookTimeout: 120_000 * slowness,
    expect: { poll: { timeout: 60_000 * slowness } },
  },
}))

function jsonReport(): ['json', { outputFile: string }][] {
  const outputFile = process.env.TEST_REPORT
  return outputFile ? [['json', { outputFile }]] : []
}
