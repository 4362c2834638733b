import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parse } from 'graphql'
import { expect, test } from 'vitest'
import { renderExplanation, toExplanation } from '../../src/explanation.ts'
import { loadRoleSchema } from '../../src/hasura/role-schema.ts'
import { pullSync } from '../../src/pull/pull-sync.ts'
import { wikiProject } from '../fixtures/wiki-project.ts'

const document = parse(`query Topics($where: topics_bool_exp!, $order_by: [topics_order_by!]!, $limit: Int!) {
  topics(where: $where, order_by: $order_by, limit: $limit) { id updated_at }
}`)

/** As somebody writes it whose types nobody checks. */
async function problemsOf(options: object): Promise<string[]> {
  const right = { name: 'sync-topics', document, role: 'viewer', key: 'id', cursor: 'updated_at', into: 'topics' }
  const { findProblems } = pullSync(Object({ ...right, ...options }))
  const schema = await loadRoleSchema(pathToFileURL(join(wikiProject.folder, 'graphql/schema/')), 'viewer')
  return (findProblems?.(schema) ?? []).map(toExplanation).map(renderExplanation)
}

test.each<[options: object, problem: string]>([
  [{ when: { id: { _eq: '1' } } }, '"when" is no option of a pull: did you mean "where"?'],
  [{ 'soft-delete': 'archived' }, '"soft-delete" is no option of a pull: did you mean "softDelete"?'],
  [{ colour: 'red' }, '"colour" is no option of a pull: remove it'],
  [{ toString: 1 }, '"toString" is no option of a pull: remove it'],
  [
    { deletionGuard: { shares: 0.1 } },
    '"deletionGuard.shares" is no option of a pull: did you mean "deletionGuard.share"?',
  ],
  [{ live: { interval: 100 } }, '"live.interval" is no option of a pull: did you mean "live.intervalMs"?'],
  [{ into: undefined }, '"into" names no mirror table: give it a text'],
  [{ flatten: 'owner' }, `"flatten" is no list: write one, such as ['author']`],
])('the options %j hold the job', async (options, problem) => {
  expect(await problemsOf(options)).toEqual([problem])
})

test.each([{}, { where: undefined, deletionGuard: undefined, flatten: undefined }, { deletionGuard: { share: 1 } }])(
  'the options %j are in order',
  async options => {
    expect(await problemsOf(options)).toEqual([])
  },
)
