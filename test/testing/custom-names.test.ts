import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TypedDocumentNode } from '@graphql-typed-document-node/core'
import { parse } from 'graphql'
import { afterAll, expect, test } from 'vitest'
import { z } from 'zod'
import { findDocumentProblems } from '../../src/definitions/contract.ts'
import { defineJob, type JobDefinition } from '../../src/definitions/define-job.ts'
import { readSchema } from '../../src/hasura/role-schema.ts'
import { pullSync } from '../../src/pull/pull-sync.ts'
import { openTestProject, type TestProject } from '../../src/testing/open-test-project.ts'

const folders: string[] = []
afterAll(() => Promise.all(folders.map(folder => rm(folder, { recursive: true, force: true }))))

async function openWith(sdl: string, jobs: readonly JobDefinition[], rows = 10): Promise<TestProject> {
  const folder = await mkdtemp(join(tmpdir(), 'names-'))
  folders.push(folder)
  await mkdir(join(folder, 'graphql/schema'), { recursive: true })
  await writeFile(join(folder, 'graphql/schema/viewer.graphql'), sdl)
  return openTestProject({ jobs, folder, rows })
}

const operators = ['_eq', '_gt', '_gte', '_lt', '_lte', '_neq']
const compare = (name: string, scalar: string, isNull: string) =>
  `input ${name} { ${operators.map(operator => `${operator}: ${scalar}`).join(' ')} _in: [${scalar}!] ${isNull}: Boolean }`

/** A source with `naming_convention: graphql-default`, the namespace `north` and the prefix `North` of its types. */
const graphqlDefault = `
schema { query: query_root subscription: subscription_root }
scalar Timestamptz
scalar Uuid
enum OrderBy { ASC ASC_NULLS_FIRST ASC_NULLS_LAST DESC DESC_NULLS_FIRST DESC_NULLS_LAST }
enum NorthArticleLinksSelectColumn { articleId revision status updatedAt }
enum NorthStatusEnum { DRAFT DONE }
enum CursorOrdering { ASC DESC }
${compare('TimestamptzComparisonExp', 'Timestamptz', '_isNull')}
${compare('UuidComparisonExp', 'Uuid', '_isNull')}
${compare('IntComparisonExp', 'Int', '_isNull')}
input NorthStatusEnumComparisonExp { _eq: NorthStatusEnum _in: [NorthStatusEnum!] _isNull: Boolean }
type NorthArticles { id: Uuid! }
type NorthArticleLinks {
  articleId: Uuid!
  revision: Int!
  status: NorthStatusEnum
  updatedAt: Timestamptz!
  article: NorthArticles!
}
input NorthArticleLinksBoolExp {
  _and: [NorthArticleLinksBoolExp!]
  _not: NorthArticleLinksBoolExp
  _or: [NorthArticleLinksBoolExp!]
  articleId: UuidComparisonExp
  revision: IntComparisonExp
  status: NorthStatusEnumComparisonExp
  updatedAt: TimestamptzComparisonExp
}
input NorthArticleLinksOrderBy { articleId: OrderBy revision: OrderBy status: OrderBy updatedAt: OrderBy }
type NorthArticleLinksAggregate { aggregate: NorthArticleLinksAggregateFields nodes: [NorthArticleLinks!]! }
type NorthArticleLinksAggregateFields {
  count(columns: [NorthArticleLinksSelectColumn!], distinct: Boolean): Int!
  max: NorthArticleLinksMaxFields
  varSamp: NorthArticleLinksVarSampFields
}
type NorthArticleLinksMaxFields { revision: Int updatedAt: Timestamptz }
type NorthArticleLinksVarSampFields { revision: Float }
input NorthArticleLinksStreamCursorInput { initialValue: NorthArticleLinksStreamCursorValueInput! ordering: CursorOrdering }
input NorthArticleLinksStreamCursorValueInput { updatedAt: Timestamptz }
type query_root { north: northQuery }
type subscription_root { north: northSubscription }
type northQuery { ${graphqlDefaultRoot()} }
type northSubscription {
  ${graphqlDefaultRoot()}
  articleLinksStream(batchSize: Int!, cursor: [NorthArticleLinksStreamCursorInput]!, where: NorthArticleLinksBoolExp): [NorthArticleLinks!]!
}`

function graphqlDefaultRoot(): string {
  const args =
    '(distinctOn: [NorthArticleLinksSelectColumn!], limit: Int, offset: Int, orderBy: [NorthArticleLinksOrderBy!], where: NorthArticleLinksBoolExp)'
  return `
  articleLinks${args}: [NorthArticleLinks!]!
  articleLinksAggregate${args}: NorthArticleLinksAggregate!
  articleLinksByPk(articleId: Uuid!): NorthArticleLinks`
}

interface Link {
  articleId: string
  revision: number
  status: string
  updated_at: string
}
type Variables = { where: unknown; order_by: unknown; limit: number }
const pullLinks: TypedDocumentNode<{ north: { articleLinks: Link[] } }, Variables> = parse(`
  query PullLinks($where: NorthArticleLinksBoolExp!, $order_by: [NorthArticleLinksOrderBy!]!, $limit: Int!) {
    north {
      articleLinks(where: $where, orderBy: $order_by, limit: $limit) { articleId revision status updated_at: updatedAt }
    }
  }`)
const links = pullSync({
  name: 'sync-links',
  document: pullLinks,
  role: 'viewer',
  key: 'articleId',
  cursor: 'updated_at',
  into: 'links',
  pageSize: 7,
  where: () => ({ status: { _is_null: false, _in: ['DONE'] } }),
  deletionGuard: { share: 1 },
  live: true,
})

const summary: TypedDocumentNode<unknown, { id: string }> = parse(`
  query Summary($id: Uuid!, $columns: [NorthArticleLinksSelectColumn!] = [articleId, revision]) {
    north {
      articleLinksByPk(articleId: $id) { __typename revision }
      articleLinksAggregate(where: { _not: { revision: { _gt: 3 } } }) {
        aggregate { count(columns: $columns, distinct: true) max { revision } varSamp { revision } }
      }
      first: articleLinks(distinctOn: [revision], orderBy: { revision: DESC_NULLS_LAST }, limit: 1) { revision status }
    }
  }`)
let answer: unknown
const summarize = defineJob({
  name: 'summarize',
  payload: z.object({}),
  requirement: { role: 'viewer' },
  operations: [summary],
  async run(session) {
    answer = await session.hasura.query(summary, { id: idOf(2) })
    return {}
  },
})
const idOf = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`

test('a source with graphql-default, a namespace and a prefix is pulled, swept and asked in its own names', async () => {
  await using project = await openWith(graphqlDefault, [links, summarize], 40)
  expect(await project.run(links)).toMatchObject({ counts: { inserted: 20 } })
  await project.api.sql(`update "NorthArticleLinks" set "updatedAt" = now(), revision = 99 where revision = 3`)
  await project.api.sql(`delete from "NorthArticleLinks" where revision = 5`)
  expect(await project.run(links, { sweep: true })).toMatchObject({ counts: { updated: 1, deleted: 1 } })
  expect(await project.run(links, { full: true })).toMatchObject({ counts: { read: 19, unchanged: 19 } })
  const rows = await project.rows('links')
  expect(rows[0]).toMatchObject({ articleId: idOf(1), revision: 1, status: 'DONE' })

  await project.run(summarize)
  expect(answer).toEqual({
    north: {
      articleLinksByPk: { __typename: 'NorthArticleLinks', revision: 2 },
      articleLinksAggregate: { aggregate: { count: 2, max: { revision: 2 }, varSamp: { revision: 0.5 } } },
      first: [{ revision: 99, status: 'DONE' }],
    },
  })
  expect(findDocumentProblems([links, summarize], readSchema('viewer', project.api.printSchema('viewer')))).toEqual([])
})

/** Custom root fields and a custom name of the table; `user_list` is a function that returns its rows. */
const customRoot = `
schema { query: query_root }
enum order_by { asc desc desc_nulls_last }
${compare('Int_comparison_exp', 'Int', '_is_null')}
${compare('String_comparison_exp', 'String', '_is_null')}
type Person { id: Int! name: String! }
input Person_bool_exp { _and: [Person_bool_exp!] _or: [Person_bool_exp!] id: Int_comparison_exp name: String_comparison_exp }
input Person_order_by { id: order_by name: order_by }
type Person_aggregate { aggregate: Person_aggregate_fields nodes: [Person!]! }
type Person_aggregate_fields { count: Int! }
input find_people_args { term: String }
type query_root {
  everybody(limit: Int, offset: Int, order_by: [Person_order_by!], where: Person_bool_exp): [Person!]!
  howMany(limit: Int, offset: Int, order_by: [Person_order_by!], where: Person_bool_exp): Person_aggregate!
  person(id: Int!): Person
  find_people(args: find_people_args!, limit: Int, order_by: [Person_order_by!], where: Person_bool_exp): [Person!]!
}`

function pullPeople(list: string, args = '') {
  const document: TypedDocumentNode<{ people: { id: number; name: string }[] }, Variables> = parse(`
    query PullPeople($where: Person_bool_exp!, $order_by: [Person_order_by!]!, $limit: Int!) {
      people: ${list}(${args} where: $where, order_by: $order_by, limit: $limit) { id name }
    }`)
  return pullSync({
    name: `sync-${list.replace('_', '-')}`,
    document,
    role: 'viewer',
    key: 'id',
    into: list.toLowerCase(),
  })
}

test('custom root fields read the table of their rows; what has arguments of its own is not served', async () => {
  const everybody = pullPeople('everybody')
  const found = pullPeople('find_people', 'args: { term: "a" }')
  await using project = await openWith(customRoot, [everybody, found], 3)
  expect(await project.run(everybody)).toMatchObject({ counts: { inserted: 3 } })
  await project.api.sql(`delete from "Person" where id = 2`)
  expect(await project.run(everybody)).toMatchObject({ counts: { deleted: 1 } })
  await expect(project.run(found)).rejects.toThrow(
    /lacks a part that a job needs \(sync-find-people: Cannot query field "find_people" on type "query_root"\.\): it reads tables, without relationships, functions with arguments/,
  )
})
