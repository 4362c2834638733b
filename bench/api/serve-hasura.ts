// node bench/api/serve-hasura.ts '{"databaseUrl": …, "jwkUrl": …, "rows": …}'
// The sandbox's Hasura on a real Postgres, which produces the JSON, as with Hasura.
import { z } from 'zod'
import { setSelectPermission } from '../../test/sandbox/hasura/change-metadata.ts'
import { startHasura } from '../../test/sandbox/hasura/start-hasura.ts'
import { announce } from './announce.ts'
import { insertArticles } from './article-rows.ts'

const { databaseUrl, jwkUrl, rows } = z
  .strictObject({ databaseUrl: z.string(), jwkUrl: z.string(), rows: z.number() })
  .parse(JSON.parse(process.argv[2] ?? ''))

const hasura = await startHasura({ databaseUrl, jwt: { jwkUrl }, requireRoleHeader: true, seed: false })
await insertArticles(text => hasura.sql(text), rows)
// Without the role's row limit, so that a page has as many rows as requested.
const permission = { columns: '*' as const, filter: { status: { _eq: 'published' } }, allow_aggregations: false }
await hasura.changeMetadata(setSelectPermission('articles', 'viewer', permission))
announce(hasura.url, () => hasura.requests.length)
