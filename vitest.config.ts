import { configDefaults, defineConfig } from 'vitest/config'

const hasKeycloak = Boolean(process.env.KEYCLOAK_HOME) && process.env.TEST_SERVICES !== 'none'

export default defineConfig({
  test: {
    environment: 'node',
    // A test that leaks or crashes takes its own process with it.
    pool: 'forks',
    maxWorkers: 2,
    include: ['test/**/*.test.ts'],
    exclude: [...configDefaults.exclude, ...(hasKeycloak ? [] : ['test/**/*.keycloak.test.ts'])],
    globalSetup: './test/services/global-setup.ts',
    // CI counts the tests of a run it only knows the script of.
    reporters: ['default', ...jsonReport()],
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
})

function jsonReport(): ['json', { outputFile: string }][] {
  const outputFile = process.env.TEST_REPORT
  return outputFile ? [['json', { outputFile }]] : []
}
