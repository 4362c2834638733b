import { expect, test } from 'vitest'
import { registerJob } from '../../src/add/register-job.ts'

const head = `import { bootstrapAccount } from './bootstrap-account.ts'
import type { JobDefinition } from './define-job.ts'
`
const tail = '\nexport const jobs: readonly JobDefinition[] = [...syncs, bootstrapAccount(syncs)]\n'
const register = (list: string) => registerJob(list, 'syncLinks', './sync-links.ts')

test.each<[what: string, before: string, after: string]>([
  [
    'an import among others, and an element behind them',
    `${head}import { syncArticles } from './sync-articles.ts'
import { syncUsers } from './sync-users.ts'

const syncs = [syncUsers, syncArticles]
${tail}`,
    `${head}import { syncArticles } from './sync-articles.ts'
import { syncLinks } from './sync-links.ts'
import { syncUsers } from './sync-users.ts'

const syncs = [syncUsers, syncArticles, syncLinks]
${tail}`,
  ],
  [
    'the first of a list that says what it holds',
    `${head}\nconst syncs: readonly JobDefinition[] = []\n${tail}`,
    `${head}import { syncLinks } from './sync-links.ts'\n\nconst syncs: readonly JobDefinition[] = [syncLinks]\n${tail}`,
  ],
  [
    'one that makes the line too long',
    `${head}\nconst syncs = [${'a'.repeat(50)}, ${'b'.repeat(50)}]\n${tail}`,
    `${head}import { syncLinks } from './sync-links.ts'

const syncs = [
  ${'a'.repeat(50)},
  ${'b'.repeat(50)},
  syncLinks,
]
${tail}`,
  ],
  [
    'one behind comments, which stay where they are',
    `${head}\nexport const syncs = [\n  // first\n  syncUsers, // who\n]\n${tail}`,
    `${head}import { syncLinks } from './sync-links.ts'\n\nexport const syncs = [\n  // first\n  syncUsers, // who\n  syncLinks,\n]\n${tail}`,
  ],
  [
    'an element of a list of constants, whose line it makes too long',
    `const syncs = [${'a'.repeat(50)}, ${'b'.repeat(36)}] as const\n`,
    `import { syncLinks } from './sync-links.ts'
const syncs = [
  ${'a'.repeat(50)},
  ${'b'.repeat(36)},
  syncLinks,
] as const
`,
  ],
  [
    'a list without any import',
    'const syncs = []\n',
    "import { syncLinks } from './sync-links.ts'\nconst syncs = [syncLinks]\n",
  ],
])('adds %s', (_what, before, after) => {
  expect(register(before)).toBe(after)
})

test('refuses a list without syncs', () => {
  expect(() => register('export const jobs = [a]\n')).toThrow(
    'src/jobs/list.ts has no list `const syncs = [ … ]` to put syncLinks into: add such a list there and include it in `jobs`',
  )
})

test('refuses a list that has it', () => {
  expect(() => register('const syncs = [syncLinks]\n')).toThrow('src/jobs/list.ts already has syncLinks')
})
