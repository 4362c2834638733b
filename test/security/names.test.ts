import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { Account } from '../../src/account.ts'
import { nameJob } from '../../src/add/job-names.ts'
import { parseClaims } from '../../src/auth/claims.ts'
import { readHasuraClaims } from '../../src/auth/hasura-claims.ts'
import { parseConfig } from '../../src/config/config.ts'
import { findSettingNameProblem } from '../../src/config/setting-name.ts'
import { scheduleOf } from '../../src/definitions/account-jobs.ts'
import type { JobDefinition } from '../../src/definitions/define-job.ts'
import { readJobSettings } from '../../src/definitions/job-settings.ts'
import { ConfigError, NotFoundError, RefusalError } from '../../src/errors.ts'
import { explainSqlState } from '../../src/failures/sql-state.ts'
import { findUnusedGrants } from '../../src/gate/find-unused-grants.ts'
import { findRefusal } from '../../src/gate/requirement.ts'
import { columnTypeOf, comparedAs, isOrdered, typescriptScalars } from '../../src/hasura/scalars.ts'
import { findColumnNameProblem, findTableNameProblem } from '../../src/mirror/column-name.ts'
import { byName, getNamed } from '../../src/names/find-named.ts'

/** What every object of JavaScript has, though nobody put it there. */
const inherited = [...new Set([...Object.getOwnPropertyNames(Object.prototype), 'prototype', 'length', 'name', 'then'])]

function tokenOf(claims: string): string {
  const part = (json: string) => Buffer.from(json).toString('base64url')
  return `${part('{"alg":"RS256"}')}.${part(`{"iss":"https://k.example","sub":"u",${claims}}`)}.c2ln`
}

/** JSON.parse makes `__proto__` a name like any other; an object literal would not. */
function grantedBy(claims: string) {
  return { claims: parseClaims(tokenOf(claims)), hasura: undefined }
}

const definition = (name: string): JobDefinition => ({
  name,
  payload: z.object({}),
  run: async () => ({}),
})

describe.each(inherited)('"%s"', name => {
  test('as a scalar is one that nobody knows', () => {
    const conventions = ['hasura-default', 'graphql-default', 'mssql', 'bigquery', 'data-connector', 'mongodb'] as const
    for (const naming of conventions) {
      expect(columnTypeOf(name, naming)).toBe('text')
      expect(comparedAs(name, naming)).toBe('text')
      expect(isOrdered(name, naming)).toBe(!name.startsWith('_'))
    }
    expect(Object.keys(typescriptScalars())).not.toContain(name)
  })

  test('as a role, a scope or a client is found exactly if the token has it', () => {
    const needs = [{ scopes: [name] }, { clientRoles: { [name]: ['viewer'] } }, { clientRoles: { app: [name] } }]
    const lacking = grantedBy('"scope":"openid","resource_access":{"app":{"roles":["viewer"]}}')
    for (const needed of needs) {
      // An object literal takes no `__proto__`: then nothing is required.
      const isNothing = 'clientRoles' in needed && Object.keys(needed.clientRoles).length === 0
      expect(findRefusal(needed, lacking)).toEqual(isNothing ? undefined : expect.any(RefusalError))
    }
    const holding = grantedBy(
      `"scope":"${name}","resource_access":{"app":{"roles":["${name}"]},"${name}":{"roles":["viewer","spare"]}}`,
    )
    for (const needed of needs) expect(findRefusal(needed, holding)).toBeUndefined()
    const { roles } = findUnusedGrants(
      { requirements: [{ clientRoles: { app: [name] } }], firstLoginRole: undefined, scopes: [] },
      holding,
    )
    expect(roles).toEqual([`viewer of client "${name}"`, `spare of client "${name}"`])
  })

  test('as a claim and a role of Hasura is what the token says', () => {
    const claims = `"x-hasura-allowed-roles":["${name}"],"x-hasura-default-role":"${name}","x-hasura-${name}":"said","${name}":"else"`
    const token = parseClaims(tokenOf(`"https://hasura.io/jwt/claims":{${claims}}`))
    const found = readHasuraClaims(token, { namespace: 'https://hasura.io/jwt/claims', format: 'json' })
    expect(found).toMatchObject({ allowedRoles: [name], defaultRole: name })
    const values = { 'x-hasura-default-role': name, [`x-hasura-${name.toLowerCase()}`]: 'said' }
    expect(found.values).toEqual(values)
    const without = parseClaims(tokenOf('"a":1'))
    for (const location of [
      { namespace: name },
      { path: `$.${name}`, namespace: '' },
      { path: `$.a.${name}`, namespace: '' },
    ]) {
      expect(() => readHasuraClaims(without, { ...location, format: 'json' })).toThrow(RefusalError)
    }
  })

  test('as a job, an account or anything named is not there unless it is', () => {
    expect(() => getNamed('job', byName([definition('sync')]), name)).toThrow(NotFoundError)
    const job = definition(name)
    expect(getNamed('job', byName([job]), name)).toBe(job)
    const account = { name, schedules: {} } as unknown as Account
    expect(scheduleOf(account, job)).toBeUndefined()
    const parse = () => parseConfig({}, { accounts: [accountCalled(name)] }).accounts.map(each => each.name)
    if (name.startsWith('_')) expect(parse).toThrow(ConfigError)
    else expect(parse()).toEqual([name])
  })

  test('as a setting of a job is missing until somebody sets it, or no name for one', async () => {
    if (findSettingNameProblem(name) !== undefined) return
    const job = { ...definition('sync'), settings: z.object({ [name]: z.string() }) }
    const read = (settings: Record<string, string>) =>
      readJobSettings(job, { name: 'one', settings }, { env: {}, readSecretFile: async () => '' })
    await expect(read({})).rejects.toBeInstanceOf(RefusalError)
    await expect(read({ [name]: 'set' })).resolves.toMatchObject({ values: { [name]: 'set' } })
  })

  test('as a column, a table, a file or a code is refused or is text', () => {
    expect(findColumnNameProblem(name) === undefined).toBe(!name.startsWith('_'))
    expect(findTableNameProblem(name)).toBeUndefined()
    expect(nameJob(name)?.job ?? name).toBe(name)
    expect(explainSqlState(name)).toBeUndefined()
  })
})

function accountCalled(name: string) {
  return { name, oidcIssuer: 'https://k.example', clientId: 'c', clientSecret: 's', hasuraUrl: 'https://h.example' }
}
