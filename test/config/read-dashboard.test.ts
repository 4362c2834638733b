import { describe, expect, test } from 'vitest'
import { dashboardVariables, readDashboard } from '../../src/config/read-dashboard.ts'
import type { Told } from '../../src/explanation.ts'

const login = {
  DASHBOARD_ISSUER: 'https://keycloak.example/realms/wiki',
  DASHBOARD_CLIENT_ID: 'sync-dashboard',
  DASHBOARD_CLIENT_SECRET_FILE: '/run/secrets/dashboard',
  DASHBOARD_URL: 'https://ops.example/worker/',
  DASHBOARD_VIEW_ROLE: 'view-jobs',
}

function read(env: Readonly<Record<string, string>>, host = '127.0.0.1') {
  const problems: Told[] = []
  const config = readDashboard(env, { host, insecureHosts: [] }, problems)
  return { config, problems: problems.map(told => (typeof told === 'string' ? told : told.found)) }
}

describe('without configuration', () => {
  test.each(['127.0.0.1', 'localhost', '::1'])('the dashboard is for this machine, by a link, on %s', host => {
    expect(read({}, host)).toEqual({ config: 'link', problems: [] })
  })

  test.each(['0.0.0.0', '::', '192.0.2.1', 'worker.example'])('it is off where other machines reach it: %s', host => {
    expect(read({}, host)).toEqual({ config: 'off', problems: [] })
  })
})

test('DASHBOARD=off turns it off, whatever else is set', () => {
  expect(read({ ...login, DASHBOARD: 'off' })).toEqual({ config: 'off', problems: [] })
})

test('a login is what its variables say', () => {
  expect(read(login, '0.0.0.0')).toEqual({
    config: {
      issuer: 'https://keycloak.example/realms/wiki',
      clientId: 'sync-dashboard',
      secret: { file: '/run/secrets/dashboard' },
      url: 'https://ops.example/worker',
      roles: { view: 'view-jobs' },
      insecureHosts: [],
    },
    problems: [],
  })
})

test.each(Object.keys(login))('a login without %s is a problem, and never a dashboard for everybody', name => {
  const { config, problems } = read(Object.fromEntries(Object.entries(login).filter(([key]) => key !== name)))
  expect(config === 'link').toBe(false)
  expect(problems).toEqual([expect.stringContaining(name.replace(/_FILE$/, ''))])
})

test.each(dashboardVariables.filter(name => name !== 'DASHBOARD'))('only %s is not a login', name => {
  const { config, problems } = read({ [name]: 'https://x.example' })
  expect(config).toBe('off')
  expect(problems).not.toEqual([])
})

test.each([
  [{ DASHBOARD: 'maybe' }, /^DASHBOARD is/],
  [{ ...login, DASHBOARD_ISSUER: 'http://keycloak.example' }, /DASHBOARD_ISSUER .* is not https/],
  [{ ...login, DASHBOARD_URL: 'http://ops.example' }, /DASHBOARD_URL .* is not https/],
  [{ ...login, DASHBOARD_CLIENT_SECRET: 'x' }, /are both set/],
])('%j is a problem', (env, sentence) => {
  expect(read(env).problems).toEqual([expect.stringMatching(sentence)])
})
