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
    globalSetup: 'test/services/global-setup.ts',
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
})
