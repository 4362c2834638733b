import { parse } from 'graphql'
import { expect, test } from 'vitest'
import { createTokenSource } from '../../src/auth/token-source.ts'
import type { Finding } from '../../src/doctor/check.ts'
import { type FirstLoginRecord, inspectFirstLogin } from '../../src/doctor/inspect-first-login.ts'
import { PermanentError } from '../../src/errors.ts'
import type { FirstLoginDefinition } from '../../src/gate/first-login.ts'
import { createHasuraClient } from '../../src/hasura/hasura-client.ts'
import { systemClock } from '../../src/time/clock.ts'

/** Nobody is asked: what the operations find is part of each case. */
const tokens = createTokenSource({ requestToken: () => Promise.reject(new Error('not asked')), clock: systemClock })
const hasura = createHasuraClient({ url: 'http://127.0.0.1:1', role: 'viewer', tokens, clock: systemClock })
const refreshUsers = parse('mutation RefreshUsers { refresh_users { id } }')

const seen: FirstLoginDefinition = { refreshUsers, isVisible: async () => true }
const unseen: FirstLoginDefinition = { refreshUsers, isVisible: async () => false }
const unaskable: FirstLoginDefinition = {
  refreshUsers,
  isVisible: () => Promise.reject(new PermanentError('validation-failed', 'field not found')),
}
const blind: FirstLoginDefinition = { refreshUsers }

test.each<[string, FirstLoginRecord | undefined, FirstLoginDefinition, Finding['status'], RegExp, RegExp]>([
  ['nothing is known of it', undefined, seen, 'skip', /could not be read/, /^$/],
  ['it is still to come', { state: 'pending' }, seen, 'warn', /no job has logged in/, /cli -- bootstrap"/],
  [
    'its response was not received',
    { state: 'calling' },
    seen,
    'warn',
    /its response was not received/,
    /the next run checks the user/,
  ],
  [
    'it waits',
    { state: 'called', hold: { found: 'Not visible', remedy: 'check its group' } },
    seen,
    'fail',
    /^Not visible$/,
    /check its group/,
  ],
  ['the user is there', { state: 'called' }, seen, 'ok', /visible in the application/, /^$/],
  [
    'the user is gone',
    { state: 'visible' },
    unseen,
    'fail',
    /does not show the user u-1/,
    /email is set .* in a group.* set first_login to 'pending' .* keeps what was synced/,
  ],
  [
    'the role may not look',
    { state: 'visible' },
    unaskable,
    'warn',
    /^role "viewer" can't query .* \(validation-failed\)/,
    /REFRESH_ROLE/,
  ],
  ['nobody can look, and it was made', { state: 'visible' }, blind, 'ok', /was made/, /^$/],
  ['nobody can look, and it is under way', { state: 'called' }, blind, 'warn', /was called/, /cli -- holds/],
])('when %s', async (_what, record, operations, status, detail, hint) => {
  const { signal } = new AbortController()
  const finding = await inspectFirstLogin(record, operations, { hasura, userId: 'u-1' }, signal)
  expect(finding.status).toBe(status)
  expect(finding.detail).toMatch(detail)
  expect(finding.hint).toMatch(hint)
})
