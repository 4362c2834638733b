import { describe, expect, test } from 'vitest'
import { isMissing } from '../../src/rest/is-missing.ts'
import { failureOf } from '../fixtures/failure-of.ts'
import { type Answer, status } from '../fixtures/scripted-server.ts'
import { openApi } from './open-api.ts'

const { signal } = new AbortController()

describe('whether something is missing', () => {
  test.each([
    [404, true],
    [410, true],
    [200, false],
    [204, false],
  ])('is told by HTTP %i: %s', async (code, missing) => {
    await using opened = await openApi(status(code))
    expect(await isMissing(opened.api, '/things/1', signal)).toBe(missing)
  })

  test.each<[string, Answer]>([
    ['page', status(404, '<html>no backend</html>')],
    ['words', status(404, '404 page not found\n', { 'content-type': 'text/plain; charset=utf-8' })],
  ])('is not told by the %s of something in front of the API', async (_what, answer) => {
    await using opened = await openApi(answer)
    expect(await failureOf(isMissing(opened.api, '/things/1', signal))).toMatchObject({
      code: 'http-404',
      scope: 'job',
    })
  })

  test.each([400, 403, 409])('is not told by HTTP %i', async code => {
    await using opened = await openApi(status(code))
    const { code: reason } = await failureOf(isMissing(opened.api, '/things/1', signal))
    expect(reason).toBe(code === 403 ? 'forbidden' : `http-${code}`)
  })
})
