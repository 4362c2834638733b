import { generate } from '@graphql-codegen/cli'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { findJobNames } from '../../src/add/job-names.ts'

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
  expect(findJobNames(rootField)).toEqual({
    job,
    operationFile: job.replace('sync-', 'graphql/').concat('.graphql'),
    jobFile: `src/jobs/${job}.ts`,
    constant,
    operation,
    document: `${operation}Document`,
  })
})

test('a name without letters and digits gives none', () => {
  expect(findJobNames('___')).toBeUndefined()
})

test('codegen and the job call the document alike, whatever the root field is called', {
  timeout: 60_000,
}, async () => {
  const rootFields = fc.sample(fc.string({ unit: fc.constantFrom(...'abzABZ019_'), minLength: 1, maxLength: 12 }), 500)
  const names = new Map(rootFields.flatMap(field => findJobNames(field) ?? []).map(each => [each.operation, each]))
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
