import { describe, expect, test } from 'vitest'
import { ConfigError } from '../../src/errors.ts'
import { readSchema } from '../../src/hasura/role-schema.ts'

describe('an SDL that was written by hand or by an earlier version', () => {
  test.each([
    ['a reserved name', 'type Query { __v: Int }', 'Name "__v" must not begin with "__"'],
    ['an empty type', 'type Query { a: Nothing } type Nothing', 'Type Nothing must define one or more fields'],
    ['a type that isn’t there', 'type Query { a: Gone }', 'Unknown type "Gone"'],
    ['no GraphQL', 'type Query {', 'Syntax Error: Expected Name'],
  ])('with %s is told with its file and what to do', (_what, sdl, said) => {
    const read = () => readSchema('viewer', sdl)
    expect(read).toThrow(ConfigError)
    expect(read).toThrow(`The schema of role "viewer" in graphql/schema/viewer.graphql is not valid (${said}`)
    expect(read).toThrow('run "npm run -s cli -- schema pull --role viewer" and commit the file')
  })
})
