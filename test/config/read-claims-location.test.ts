import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readClaimsLocation } from '../../src/config/read-claims-location.ts'
import { renderExplanation, type Told } from '../../src/explanation.ts'

const roles = { 'x-hasura-allowed-roles': ['viewer'], 'x-hasura-default-role': 'viewer' }

function read(values: Parameters<typeof readClaimsLocation>[0]) {
  const problems: Told[] = []
  const location = readClaimsLocation(values, variable => variable, problems)
  return { location, problems: problems.map(renderExplanation) }
}

function problemsOf(map: unknown): string[] {
  return read({ HASURA_CLAIMS_MAP: JSON.stringify(map) }).problems
}

describe('the place of the claims', () => {
  test('is Hasura’s own namespace when nothing is said', () => {
    expect(read({}).location).toEqual({ namespace: 'https://hasura.io/jwt/claims', format: 'json' })
  })

  test('is a map of literals and paths, in any case', () => {
    const map = {
      'X-Hasura-Allowed-Roles': { path: '$.roles', default: ['viewer'] },
      'x-hasura-default-role': 'viewer',
      'X-HASURA-USER-ID': { path: '$.sub' },
      'x-hasura-tenant': { path: "$['a.b']", default: 'x' },
      'x-hasura-client': { path: 'azp' },
    }
    expect(read({ HASURA_CLAIMS_MAP: JSON.stringify(map) })).toEqual({ location: { map }, problems: [] })
  })

  test.each<[unknown, RegExp[]]>([
    [7, [/^HASURA_CLAIMS_MAP: must be a JSON object of claims/]],
    [[], [/^HASURA_CLAIMS_MAP: must be a JSON object/]],
    [{}, [/lacks "x-hasura-allowed-roles"/, /lacks "x-hasura-default-role"/]],
    [{ ...roles, 'x-hasura-allowed-roles': 'viewer' }, [/x-hasura-allowed-roles: must be a list of roles/]],
    [{ ...roles, 'x-hasura-allowed-roles': [] }, [/x-hasura-allowed-roles: must be a list of roles/]],
    [{ ...roles, 'x-hasura-default-role': ['viewer'] }, [/x-hasura-default-role: must be a text/]],
    [{ ...roles, 'x-hasura-user-id': 7 }, [/^HASURA_CLAIMS_MAP\.x-hasura-user-id: must be a text, or \{"path"/]],
    [{ ...roles, 'x-hasura-user-id': { default: 'u' } }, [/x-hasura-user-id: must be a text/]],
    [{ ...roles, 'x-hasura-user-id': { path: '' } }, [/x-hasura-user-id: must be a text/]],
    [
      { type: 'RS256', claims_map: roles },
      [/holds more than claims_map: set it to the object after "claims_map" only/],
    ],
    [{ ...roles, 'x-hasura-user-id': { path: '$.sub', defualt: 'u' } }, [/x-hasura-user-id: must be a text/]],
    [{ ...roles, 'user-id': 'u' }, [/user-id: is not a session variable: its name must begin with x-hasura-/]],
  ])('is not %j', (map, sentences) => {
    expect(problemsOf(map)).toEqual(sentences.map(sentence => expect.stringMatching(sentence)))
  })

  test('is no text that is no JSON, and not two places', () => {
    const invalid = [
      expect.stringMatching(/^HASURA_CLAIMS_MAP is not valid JSON: .*no comma before } and no \\ before \$/),
    ]
    expect(read({ HASURA_CLAIMS_MAP: '{"x-hasura-default-role": "viewer",}' }).problems).toEqual(invalid)
    expect(read({ HASURA_CLAIMS_MAP: '{"x-hasura-user-id": {"path": "\\$.sub"}}' }).problems).toEqual(invalid)
    expect(read({ HASURA_CLAIMS_MAP: JSON.stringify(roles), HASURA_CLAIMS_PATH: '$.a' }).problems).toEqual([
      'HASURA_CLAIMS_PATH would have no effect, because HASURA_CLAIMS_MAP is set, as in Hasura: set one of them',
    ])
  })

  test('is read or told as a problem, and never fails otherwise', () => {
    const name = fc.oneof(fc.constantFrom(...Object.keys(roles), 'x-hasura-user-id', '__proto__'), fc.string())
    const place = fc.record({ path: fc.string(), default: fc.jsonValue() })
    fc.assert(
      fc.property(fc.dictionary(name, fc.oneof(fc.jsonValue(), place)), map => {
        const { location, problems } = read({ HASURA_CLAIMS_MAP: JSON.stringify(map) })
        expect(location === undefined).toBe(problems.length > 0)
      }),
    )
  })
})
