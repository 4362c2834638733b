import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TypedDocumentNode } from '@graphql-typed-document-node/core'
import { parse } from 'graphql'
import { afterAll, expect, test } from 'vitest'
import { z } from 'zod'
import { defineJob } from '../../src/definitions/define-job.ts'
import { pullSync } from '../../src/pull/pull-sync.ts'
import { openTestProject } from '../../src/testing/open-test-project.ts'

const sql = `
create table articles (id integer primary key, title text not null, updated_at timestamptz not null default now());
create table article_links (article_id integer references articles on delete cascade, kind text, primary key (article_id, kind));
create function recent_articles(most integer) returns setof articles stable language sql
  as 'select * from articles order by updated_at desc limit most';
insert into articles (id, title) values (1, 'One'), (2, 'Two');
insert into article_links values (1, 'next'), (1, 'see'), (2, 'see');`

/** As Hasura's command line writes it, for a source that is customized in each way. */
const databases = `
- name: default
  kind: postgres
  customization:
    naming_convention: graphql-default
    root_fields: { namespace: north }
    type_names: { prefix: North }
  tables:
    - table: { schema: public, name: articles }
      configuration:
        custom_root_fields: { select: allArticles, insert_one: addArticle }
      array_relationships:
        - name: articleLinks
          using: { foreign_key_constraint_on: { column: article_id, table: { schema: public, name: article_links } } }
      select_permissions: [{ role: editor, permission: { columns: '*', filter: {} } }]
      insert_permissions: [{ role: editor, permission: { columns: '*', check: {} } }]
      update_permissions: [{ role: editor, permission: { columns: [title, updated_at], filter: {} } }]
    - table: { schema: public, name: article_links }
      select_permissions: [{ role: editor, permission: { columns: '*', filter: {} } }]
      delete_permissions: [{ role: editor, permission: { filter: {} } }]
  functions:
    - function: { schema: public, name: recent_articles }`

const compare = (scalar: string) =>
  `input ${scalar}ComparisonExp { _eq: ${scalar} _gt: ${scalar} _gte: ${scalar} _lt: ${scalar} _lte: ${scalar} _in: [${scalar}!] }`
const rowsArguments = '(limit: Int, orderBy: [NorthArticlesOrderBy!], where: NorthArticlesBoolExp)'

const sdl = `
schema { query: query_root mutation: mutation_root }
scalar Timestamptz
enum OrderBy { ASC DESC }
enum NorthArticlesConstraint { ARTICLES_PKEY }
enum NorthArticlesUpdateColumn { title updatedAt }
${['Int', 'String', 'Timestamptz'].map(compare).join('\n')}
type NorthArticles {
  id: Int!
  title: String!
  updatedAt: Timestamptz!
  articleLinks(where: NorthArticleLinksBoolExp): [NorthArticleLinks!]!
}
type NorthArticleLinks { articleId: Int! kind: String! }
input NorthArticlesBoolExp {
  _and: [NorthArticlesBoolExp!]
  _or: [NorthArticlesBoolExp!]
  id: IntComparisonExp
  title: StringComparisonExp
  updatedAt: TimestamptzComparisonExp
  articleLinks: NorthArticleLinksBoolExp
}
input NorthArticleLinksBoolExp { articleId: IntComparisonExp kind: StringComparisonExp }
input NorthArticlesOrderBy { id: OrderBy title: OrderBy updatedAt: OrderBy }
input NorthArticlesInsertInput { id: Int title: String updatedAt: Timestamptz }
input NorthArticlesOnConflict { constraint: NorthArticlesConstraint! updateColumns: [NorthArticlesUpdateColumn!]! = [] }
input NorthArticlesSetInput { title: String updatedAt: Timestamptz }
input NorthArticlesPkColumnsInput { id: Int! }
type NorthArticleLinksMutationResponse { affectedRows: Int! returning: [NorthArticleLinks!]! }
input RecentArticlesArgs { most: Int }
type query_root { north: northQuery }
type mutation_root { north: northMutation }
type northQuery {
  allArticles${rowsArguments}: [NorthArticles!]!
  articlesByPk(id: Int!): NorthArticles
  recentArticles(args: RecentArticlesArgs!, limit: Int, where: NorthArticlesBoolExp): [NorthArticles!]!
}
type northMutation {
  addArticle(object: NorthArticlesInsertInput!, onConflict: NorthArticlesOnConflict): NorthArticles
  updateArticlesByPk(_set: NorthArticlesSetInput, pkColumns: NorthArticlesPkColumnsInput!): NorthArticles
  deleteArticleLinks(where: NorthArticleLinksBoolExp!): NorthArticleLinksMutationResponse
}`

interface Article {
  id: number
  updatedAt: string
  articleLinks: unknown
}
const pullArticles: TypedDocumentNode<
  { north: { allArticles: Article[] } },
  { where: unknown; order_by: unknown; limit: number }
> = parse(`
  query PullArticles($where: NorthArticlesBoolExp!, $order_by: [NorthArticlesOrderBy!]!, $limit: Int!) {
    north {
      allArticles(where: $where, orderBy: $order_by, limit: $limit) { id title updatedAt articleLinks { kind } }
    }
  }`)
const articles = pullSync({
  name: 'sync-articles',
  document: pullArticles,
  role: 'editor',
  key: 'id',
  cursor: 'updatedAt',
  into: 'articles',
  where: () => ({ articleLinks: { kind: { _eq: 'see' } } }),
})

const write: TypedDocumentNode<unknown, Record<string, never>> = parse(`
  mutation Write {
    north {
      three: addArticle(object: { id: 3, title: "Three" }) { __typename id }
      again: addArticle(object: { id: 3, title: "3" }, onConflict: { constraint: ARTICLES_PKEY, updateColumns: [title] }) { title }
      updateArticlesByPk(pkColumns: { id: 1 }, _set: { title: "1", updatedAt: "2099-01-01T00:00:00Z" }) { title }
      deleteArticleLinks(where: { kind: { _eq: "next" } }) { affectedRows returning { articleId } }
    }
  }`)
const recent: TypedDocumentNode<unknown, Record<string, never>> = parse(
  'query Recent { north { recentArticles(args: { most: 1 }) { id title } } }',
)

const folder = await mkdtemp(join(tmpdir(), 'source-'))
afterAll(() => rm(folder, { recursive: true, force: true }))

test('a source of its own is served by the names of the SDL, with relationships, functions and mutations', async () => {
  await mkdir(join(folder, 'graphql/schema'), { recursive: true })
  await mkdir(join(folder, 'metadata/databases'), { recursive: true })
  await writeFile(join(folder, 'graphql/schema/editor.graphql'), sdl)
  await writeFile(join(folder, 'metadata/version.yaml'), 'version: 3\n')
  await writeFile(join(folder, 'metadata/databases/databases.yaml'), databases)
  const answers: unknown[] = []
  const push = defineJob({
    name: 'push',
    payload: z.object({}),
    requirement: { role: 'editor' },
    operations: [write, recent],
    async run(session) {
      answers.push(await session.hasura.mutate(write, {}), await session.hasura.query(recent, {}))
      return {}
    },
  })
  const api = { sql, metadataFolder: join(folder, 'metadata') }
  await using project = await openTestProject({ jobs: [articles, push], folder, api })
  expect(await project.run(articles)).toMatchObject({ counts: { inserted: 2 } })
  expect((await project.rows('articles'))[0]).toMatchObject({
    title: 'One',
    articleLinks: [{ kind: 'next' }, { kind: 'see' }],
  })

  await project.run(push)
  expect(answers).toEqual([
    {
      north: {
        three: { __typename: 'NorthArticles', id: 3 },
        again: { title: '3' },
        updateArticlesByPk: { title: '1' },
        deleteArticleLinks: { affectedRows: 1, returning: [{ articleId: 1 }] },
      },
    },
    { north: { recentArticles: [{ id: 1, title: '1' }] } },
  ])
  expect(await project.run(articles)).toMatchObject({ counts: { updated: 1 } })
})
