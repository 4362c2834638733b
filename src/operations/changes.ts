import { z } from 'zod'
import { beginning, readChanges } from '../changes/changes.ts'
import { chooseNamed, getNamed } from '../names/find-named.ts'
import { findPrimaryKey, requireMirrorTable } from './mirror-tables.ts'
import { defineOperation } from './operation.ts'
import { limitValue, nameValue } from './values.ts'

const changesSchema = z.object({
  changes: z.array(
    z.object({
      position: z.string(),
      op: z.enum(['upsert', 'delete']),
      account: z.string(),
      /** The values of the key columns, as Postgres writes them. */
      key: z.record(z.string(), z.string()),
    }),
  ),
  /** The `after` of the next request, even if there are no changes. */
  position: z.string(),
})

/** The changes of a mirror table after a position, in commit order: the latest change of each row. */
export const listChanges = defineOperation({
  route: 'GET /changes',
  roles: ['view'],
  input: z.object({
    /** With or without its schema. */
    table: nameValue,
    after: z
      .string()
      .regex(/^\d{1,18}$/, 'is not a position')
      .default(beginning),
    account: nameValue.optional(),
    limit: limitValue,
  }),
  output: changesSchema,
  async run({ deps, only }, { table: wanted, after, account: named, limit }) {
    const table = await requireMirrorTable(deps, wanted)
    // A caller of several accounts must choose one: a position applies to one account, or to all accounts of the worker.
    const account = only ? chooseNamed('account', deps.accounts, named).account.name : named
    if (account !== undefined) getNamed('account', deps.accounts, account)
    const key = (await findPrimaryKey(deps.store, table)).filter(column => column !== '_account')
    const options = { after, limit, ...(account !== undefined && { account }) }
    const read = await readChanges(deps.store, { into: table, key }, options)
    return { changes: [...read.changes], position: read.position }
  },
})
