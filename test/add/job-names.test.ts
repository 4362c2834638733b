import { generate } from '@graphql-codegen/cli'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { findJobNames, nameJob } from '../../src/add/job-names.ts'

test.each([
  ['article_links', 'sync-article-links', 'syncArticleLinks', 'PullArticleLinks'],
  ['articleLinks', 'sync-article-links', 'syncArticleLinks', 'PullArticleLinks'],
  ['default', 'sync-default', 'syncDefault', 'PullDefault'],
  ['order', 'sync-order', 'syncOrder', 'PullOrder'],
  ['HTTPLogs', 'sync-http-logs', 'syncHttpLogs', 'PullHttpLogs'],
  ['_2fa_codes', 'sync-2-fa-codes', 'sync2FaCodes', 'Pull2FaCodes'],
  ['oauth2_tokens', 'sync-oauth2-tokens', 'syncOauth2Tokens', 'PullOauth2Tokens'],
  ['a_b', 'sync-a-b', 'syncAb', 'PullAb'],
])('%s', (rootField, job, constant, operation) => {
  expect(findJobNames(rootField).next().value).toEqual({
    job,
    operationFile: job.replace('sync-', 'graphql/').concat('.graphql'),
    jobFile: `src/jobs/${job}.ts`,
    constant,
    operation,
    document: `${operation}Document`,
  })
})

test.each([
  ['a name without letters and digits', '___', ['sync-table', 'sync-table-2']],
  ['a taken name', 'Order', ['sync-order', 'sync-order-2', 'sync-order-3']],
  ['a name too long for a file', 'a'.repeat(300), [`sync-${'a'.repeat(100)}`]],
])('%s has further ones', (_what, rootField, jobs) => {
  expect(
    findJobNames(rootField)
      .take(jobs.length)
      .map(({ job }) => job)
      .toArray(),
  ).toEqual(jobs)
})

test.each([
  ['sync-orders', 'graphql/orders.graphql', 'src/jobs/sync-orders.ts', 'syncOrders', 'PullOrders'],
  [
    'import-orders',
    'graphql/import-orders.graphql',
    'src/jobs/import-orders.ts',
    'syncImportOrders',
    'PullImportOrders',
  ],
  ['default', 'graphql/default.graphql', 'src/jobs/default.ts', 'syncDefault', 'PullDefault'],
  ['sync-2', 'graphql/2.graphql', 'src/jobs/sync-2.ts', 'sync2', 'Pull2'],
])('a job may be called %s', (job, operationFile, jobFile, constant, operation) => {
  expect(nameJob(job)).toEqual({ job, operationFile, jobFile, constant, operation, document: `${operation}Document` })
})

test.each(['', 'Orders', '2nd', 'a_b', 'a--b', '-a', 'a-', '../a', 'größe', 'a'.repeat(101)])('but not %j', job => {
  expect(nameJob(job)).toBeUndefined()
})

test('codegen and the job call the document alike, whatever the root field is called', async () => {
  const rootFields = fc.sample(fc.string({ unit: fc.constantFrom(...'abzABZ019_'), minLength: 1, maxLength: 12 }), 500)
  const names = new Map(rootFields.map(field => findJobNames(field).next().value).map(each => [each.operation, each]))
  const [output] = await generate(
    {
      schema: 'type Query { id: ID }',
      documents: [...names.keys()].map(operation => `query ${operation} { id }`),
      generates: { 'generated/': { preset: 'client' } },
      silent: true,
    },
    false,
  ).then(outputs => outputs.filter((file: { filename: string }) => file.filename.endsWith('graphql.ts')))
  for (const { document, job, constant } of names.values()) {
    expect(output.content).toContain(`export const ${document} = `)
    expect(job).toMatch(/^[a-z][a-z0-9-]*$/)
    expect(constant).toMatch(/^sync[A-Za-z0-9]+$/)
  }
})
