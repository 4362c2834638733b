import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineJob } from '../../src/definitions/define-job.ts'
import { defineWebhook } from '../../src/webhooks/define-webhook.ts'

/** As somebody writes it whose types nobody checks. */
const job = (more: object) => () =>
  defineJob(Object({ name: 'sync-things', payload: z.object({}), run: async () => ({}), ...more }))

describe('a job', () => {
  test.each([
    [{ requirements: { role: 'viewer' } }, '"requirements" is no field of a job: did you mean "requirement"?'],
    [{ role: 'viewer' }, '"role" is no field of a job: write "requirement: { role: … }"'],
    [{ scopes: ['read'] }, '"scopes" is no field of a job: write "requirement: { scopes: … }"'],
    [{ schedules: [] }, '"schedules" is no field of a job: did you mean "schedule"?'],
    [{ colour: 'red' }, '"colour" is no field of a job: remove it'],
  ])('with the fields %j is refused', (more, problem) => {
    expect(job(more)).toThrow(`Job "sync-things": ${problem}`)
  })

  test('is refused with all of them at once', () => {
    expect(job({ colour: 'red', runs: 1 })).toThrow(/"colour" .*"runs" /)
  })

  test('may have more fields around what was defined', () => {
    expect({ ...job({})(), team: 'search' }).toMatchObject({ name: 'sync-things', team: 'search' })
  })
})

test('a webhook with a field that no webhook has is refused', () => {
  const tables = [{ into: 'users', key: ['id'] }]
  expect(() => defineWebhook(Object({ name: 'users-to-search', tables, row: true }))).toThrow(
    'Job "users-to-search": "row" is no field of a webhook: did you mean "rows"?',
  )
})
