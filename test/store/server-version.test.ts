import { expect, test } from 'vitest'
import { findVersionProblem } from '../../src/store/server-version.ts'

const problemOf = (version: string) => findVersionProblem({ query: async () => ({ rows: [{ version }] as never }) })

test.each([
  ['PostgreSQL 12.22 on x86_64-pc-linux-gnu, compiled by gcc', 'PostgreSQL 12.22'],
  ['PostgreSQL 9.6.24 on x86_64-pc-linux-gnu', 'PostgreSQL 9.6.24'],
  ['PostgreSQL 15.12-YB-2025.1.0.0-b0 on x86_64-pc-linux-gnu', 'PostgreSQL 15.12-YB-2025.1.0.0-b0'],
  ['PostgreSQL 8.0.2 on i686-pc-linux-gnu, compiled by GCC, Redshift 1.0.77467', 'PostgreSQL 8.0.2'],
])('%s is refused', async (version, told) => {
  expect(await problemOf(version)).toEqual({
    found: `DATABASE_URL leads to ${told}, which lacks what the worker needs`,
    remedy: 'use PostgreSQL 13 or later',
  })
})

test.each([
  'PostgreSQL 13.22 (Debian 13.22-1.pgdg120+1) on x86_64-pc-linux-gnu',
  'PostgreSQL 18.1 on aarch64-unknown-linux-gnu, compiled by gcc',
  'PostgreSQL 17.5 (EnterpriseDB Advanced Server 17.5.0) on x86_64-pc-linux-gnu',
  'PostgreSQL 19beta1 on x86_64-pc-linux-gnu',
])('%s is fine', async version => {
  expect(await problemOf(version)).toBeUndefined()
})
