import { fileURLToPath } from 'node:url'
import { type AddedPull, addPull, checkWish } from '../add/add-pull.ts'
import { defineCommand } from './command.ts'
import { argument, textOption } from './options.ts'
import { findDefaultRole, introspectAs, openHasuraAccess } from './role-access.ts'

export const add = defineCommand({
  name: 'add',
  summary: 'writes the operation and the job that mirror a table, from what the role sees of the live API',
  arguments: { rootField: argument("the API's list of the table's rows, such as articles") },
  options: {
    role: textOption('ROLE', "the role that the job will have; default the token's default role"),
    account: textOption('NAME', 'the account that asks the API; default the first one'),
    key: textOption('COLUMNS', 'the key, with commas between; default the primary key'),
    cursor: textOption(
      'COLUMN',
      'what grows when a row changes, or "none" to read and compare all rows every time; default one such as updated_at',
    ),
    into: textOption('TABLE', 'the mirror table; default the name of the root field'),
  },
  async run(values, context) {
    const { signal, terminal } = context
    const { rootField, role: asked, cursor, into = rootField } = values
    const key = values.key?.split(',').map(column => column.trim())
    const wish = { rootField, key, cursor, into }
    const folder = fileURLToPath(new URL('../../', import.meta.url))
    const project = { folder, jobs: (await context.loadDefinitions()).jobs }
    const names = await checkWish(project, wish)
    const hasura = openHasuraAccess(context, values.account)
    const role = asked ?? (await findDefaultRole(hasura, signal))
    const sdl = await introspectAs(hasura, role, signal)
    const added = await addPull(project, wish, names, { role, sdl }, signal)
    const who = asked === undefined ? `role "${role}", the token's default role` : `role "${role}"`
    terminal.out(`${describe(added, rootField, who)}\n`)
    if (hasura.account.jobs && !hasura.account.jobs.includes(added.job)) {
      terminal.out(`Account "${hasura.account.name}" names its jobs in the accounts file: add ${added.job} there.\n`)
    }
    return 0
  },
})

function describe(
  { job, into, key, cursor, asserted, leftOut, files }: AddedPull,
  rootField: string,
  who: string,
): string {
  const order = cursor === undefined ? 'no cursor: every run reads all rows' : `cursor ${cursor}`
  const without =
    leftOut.length > 0 ? [`Left out, because Postgres would cut their names off: ${leftOut.join(', ')}.`] : []
  const filtered =
    asserted.length > 0
      ? [`The API calls ${asserted.join(', ')} nullable: rows in which one is null are left out.`]
      : []
  return [
    `${job} pulls ${rootField} as ${who}, into mirror.${into}: key ${key.join(', ')}; ${order}.`,
    ...filtered,
    ...without,
    ...files.map(file => `  ${file}`),
    `Try it: npm run -s cli -- run ${job}`,
  ].join('\n')
}
