import {
  buildClientSchema,
  buildSchema,
  getIntrospectionQuery,
  type IntrospectionQuery,
  lexicographicSortSchema,
  printSchema,
  validateSchema,
} from 'graphql'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { openClusterDir } from '../fixtures/data-dir.ts'
import { hasuraClaims, signToken } from './hasura/sign-token.ts'
import { type SandboxHasura, startHasura } from './hasura/start-hasura.ts'

const key = 'a secret of at least thirty-two bytes'
const introspection = z.object({
  data: z.custom<IntrospectionQuery>(data => typeof data === 'object' && data !== null),
})

let hasura: SandboxHasura
beforeAll(async () => {
  hasura = await startHasura({ jwt: { key }, dataDir: (await openClusterDir()).path })
})
afterAll(() => hasura[Symbol.asyncDispose]())

async function sdlOf(role: string): Promise<string> {
  const token = await signToken(hasuraClaims('a0000000-0000-4000-8000-000000000002', [role]), key)
  const response = await fetch(hasura.url, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'x-hasura-role': role },
    body: JSON.stringify({
      query: getIntrospectionQuery({ descriptions: false }),
      operationName: 'IntrospectionQuery',
    }),
  })
  const { data } = introspection.parse(await response.json())
  return printSchema(lexicographicSortSchema(buildClientSchema(data)))
}

describe('the schema that a role introspects', () => {
  test.each(['viewer', 'editor', 'manager', 'restorer'])(
    'of %s is valid and prints the same every time',
    async role => {
      const sdl = await sdlOf(role)
      expect(validateSchema(buildSchema(sdl))).toEqual([])
      expect(await sdlOf(role)).toBe(sdl)
    },
  )

  test('has only what the role may see', async () => {
    expect(await sdlOf('viewer')).not.toMatch(/email|insert_articles|articles_aggregate\(/)
    expect(await sdlOf('manager')).toMatch(/email/)
  })

  test('types an upsert as Hasura does', async () => {
    const sdl = await sdlOf('editor')
    expect(sdl).toContain(
      'insert_articles_one(object: articles_insert_input!, on_conflict: articles_on_conflict): articles',
    )
    expect(sdl).toContain('update_columns: [articles_update_column!]! = []')
    expect(sdl).toContain('articles_by_pk(id: uuid!): articles')
    expect(sdl).toContain(
      'refresh_users(distinct_on: [users_select_column!], limit: Int, offset: Int, order_by: [users_order_by!], where: users_bool_exp): [users!]!',
    )
  })
})
