import { describe, expect, test } from 'vitest'
import type { CheckId, Diagnosis } from '../../src/doctor/check.ts'
import { arrange, fail, ok, skip, warn } from '../../src/doctor/check.ts'
import { PermanentError } from '../../src/errors.ts'
import { explainByPlan, explainWithAdmin } from '../../src/provision/explain-with-admin.ts'
import type { Step } from '../../src/provision/step.ts'

function step(check: CheckId, found: string): Step {
  return { action: { kind: 'create-client' }, check, found, sentence: 'do it', place: `place of ${found}` }
}

function diagnosis(id: CheckId): Diagnosis {
  return arrange('default', new Map([[id, fail('seen from outside', 'one of two')]]))
}

function detailOf({ checks }: Diagnosis, wanted: CheckId): string | undefined {
  return checks.find(({ id }) => id === wanted)?.detail
}

describe('the causes of a check that fails', () => {
  test.each<[CheckId, readonly CheckId[], string]>([
    ['client-auth', ['client-auth', 'claims'], 'client-auth'],
    ['claims', ['allowed-roles', 'claims'], 'claims'],
    ['claims', ['allowed-roles', 'job-roles'], 'allowed-roles'],
    ['allowed-roles', ['job-roles', 'email'], 'job-roles'],
    ['allowed-roles', ['claims', 'job-roles'], 'claims'],
    ['default-role', ['job-roles'], 'job-roles'],
    ['user-id', ['user-id', 'email'], 'user-id'],
    ['job-roles', ['allowed-roles'], 'allowed-roles'],
    ['email', ['email', 'job-roles'], 'email'],
    ['scope', ['scope'], 'scope'],
  ])('%s, of %j', (id, checks, cause) => {
    const explained = explainByPlan(diagnosis(id), { steps: checks.map(check => step(check, check)), obstacles: [] })
    expect(detailOf(explained, id)).toBe(`seen from outside; in Keycloak ${cause}`)
  })

  test('all of them, each with its place', () => {
    const steps = [step('client-auth', 'one'), step('client-auth', 'two')]
    const { checks } = explainByPlan(diagnosis('client-auth'), { steps, obstacles: [] })
    expect(checks.find(({ id }) => id === 'client-auth')).toEqual({
      id: 'client-auth',
      status: 'fail',
      detail: 'seen from outside; in Keycloak one, and two',
      hint: 'run "npm run -s cli -- provision", or fix it in Keycloak\'s console; place of one; place of two',
    })
  })

  test('one that is not for provision to mend', () => {
    const obstacle = { check: 'job-roles' as const, found: 'there is no such role', advice: 'create it' }
    const { checks } = explainByPlan(diagnosis('job-roles'), { steps: [], obstacles: [obstacle] })
    expect(checks.find(({ id }) => id === 'job-roles')).toMatchObject({
      detail: 'seen from outside; in Keycloak there is no such role',
      hint: 'create it',
    })
  })
})

test('a suspected cause explains a failure, and nothing that merely warns', () => {
  const suspected = {
    check: 'job-roles' as const,
    found: 'it is disabled',
    advice: 'enable it',
    isSuspected: true as const,
  }
  const plan = { steps: [], obstacles: [suspected] }
  expect(detailOf(explainByPlan(diagnosis('allowed-roles'), plan), 'allowed-roles')).toMatch(
    /in Keycloak it is disabled$/,
  )
  const warned = arrange('default', new Map([['job-roles', warn('a role that no job needs', 'remove it')]] as const))
  expect(explainByPlan(warned, plan)).toEqual(warned)
})

test('what is right, skipped or elsewhere stays as it was', () => {
  const before = arrange(
    'default',
    new Map([
      ['client-auth', ok('fine')],
      ['email', skip('none')],
      ['hasura', fail('down', 'start it')],
    ] as const),
  )
  const steps = [step('client-auth', 'x'), step('email', 'x'), step('hasura', 'x')]
  expect(explainByPlan(before, { steps, obstacles: [] })).toEqual(before)
})

describe('an administrator', () => {
  const account = {
    name: 'default',
    login: {
      server: { issuer: 'https://keycloak.example/realms/wiki' },
      clientId: 'sync',
      scopes: [],
      method: 'client_secret_basic' as const,
      secret: { file: '/secret' },
    },
  }

  test('is not asked where nothing fails', async () => {
    const fine = arrange('default', new Map([['email', ok('set and verified')]] as const))
    const asked = explainWithAdmin(fine, account, [], () => Promise.reject(new Error('asked')))
    await expect(asked).resolves.toEqual(fine)
  })

  test('who sees nothing is a hint, and hides no finding', async () => {
    const before = arrange('default', new Map([['email', warn('no email', 'set one')]] as const))
    const after = await explainWithAdmin(before, account, [], () =>
      Promise.reject(
        new PermanentError('forbidden', { found: 'The administrator may not', remedy: 'assign view-clients' }),
      ),
    )
    expect(after.checks.find(({ id }) => id === 'email')).toMatchObject({
      status: 'warn',
      detail: 'no email',
      hint: 'set one; the administrator could not see more (The administrator may not): assign view-clients',
    })
  })
})
