import { expect, test } from 'vitest'
import { OutageError } from '../../src/errors.ts'
import { explainAdminRefusal } from '../../src/provision/explain-admin-refusal.ts'

test("a token that is rejected is the administrator's, not the account's", () => {
  const error = new OutageError('unauthorized', 'job', { found: 'clients.find: HTTP 401', remedy: 'x' })
  expect(explainAdminRefusal(error, 'wiki')).toMatchObject({
    code: 'unauthorized',
    found: 'clients.find: HTTP 401',
    remedy: expect.stringMatching(/client scope "kc-admin-api".* a default scope of the administrator's client/),
  })
})
