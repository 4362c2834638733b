// node bench/contestants/fetch-alone.ts '{"url": …, "token": …, "query": …, "pageSize": …}'
// The limit for a sequential pull: the same pages with the same HTTP client, each parsed once.
import { z } from 'zod'
import { report } from './report.ts'

const { url, token, query, pageSize } = z
  .object({ url: z.string(), token: z.string(), query: z.string(), pageSize: z.number() })
  .parse(JSON.parse(process.argv[2] ?? ''))

const headers = {
  accept: 'application/json',
  authorization: `Bearer ${token}`,
  'content-type': 'application/json',
  'x-hasura-role': 'viewer',
}
const answer = z.object({ data: z.object({ articles: z.array(z.unknown()) }) })
const lastOf = z.object({ id: z.string() })

const startedAt = performance.now()
let rows = 0
for (let where: object = {}; ; ) {
  const variables = { where, order_by: [{ id: 'asc' }], limit: pageSize }
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ query, variables }) })
  const { articles } = answer.parse(JSON.parse(await response.text())).data
  rows += articles.length
  if (articles.length < pageSize) break
  where = { id: { _gt: lastOf.parse(articles.at(-1)).id } }
}
report({ seconds: (performance.now() - startedAt) / 1000, rows })
