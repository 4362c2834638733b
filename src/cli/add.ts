import { type AddedPull, addPull, checkWish } from '../add/add-pull.ts'
import { renderExplanation } from '../errors.ts'
import { defineCommand } from './command.ts'
import { argument, textOption } from './options.ts'
import { findDefaultRole, introspectAs, openHasuraAccess } from './role-access.ts'
import { tellLeftOut } from './tell-left-out.ts'

export const add = defineCommand({
  name: 'add',
  summary: 'writes the operation and the job that mirror a table, from what the role sees of the live API',
  arguments: {
    rootField: argument("the API's list of the table's rows, such as articles, or north.articles in a namespace"),
  },
  options: {
    role: textOption('ROLE', "the role that the job will have; default the token's default role"),
    account: textOption('NAME', 'the account that asks the API; default the first one'),
    key: textOption('COLUMNS', 'the key, with commas between; default the primary key'),
    cursor: textOption(
      'COLUMN',
      'a column that grows when a row changes, or "none" to read and compare all rows every time; default one such as updated_at',
    ),
    into: textOption('TABLE', 'the mirror table; default the name of the root field'),
    name: textOption(
      'NAME',
      "the job's name, also its files'; default one made of the root field's, such as sync-articles",
    ),
  },
  async run(values, context) {
    const { signal, terminal } = context
    const { rootField, role: asked, cursor, into, name } = values
    const key = values.key?.split(',').map(column => column.trim())
    const wish = { rootField, key, cursor, into, name }
    const project = { ...context.host.project, jobs: (await context.loadDefinitions()).jobs }
    const chosen = await checkWish(project, wish)
    const hasura = openHasuraAccess(context, values.account)
    const role = asked ?? (await findDefaultRole(hasura, signal))
    const { sdl, leftOut } = await introspectAs(hasura, role, signal)
    const added = await addPull(project, wish, chosen, { role, sdl }, signal)
    const who = asked === undefined ? `role "${role}", the token's default role` : `role "${role}"`
    terminal.out(`${describe(added, rootField, who)}\n${tellLeftOut(leftOut)}`)
    const { job } = added.names
    if (hasura.account.jobs && !hasura.account.jobs.includes(job)) {
      terminal.out(`Account "${hasura.account.name}" names its jobs in the accounts file: add ${job} there.\n`)
    }
    return 0
  },
})

function describe(
  { names, into, key, cursor, renamed, risk, files }: AddedPull,
  rootField: string,
  who: string,
): string {
  const columns = key.columns.map(({ mirrorName }) => mirrorName).join(', ')
  const order = cursor === undefined ? 'no cursor: every run reads all rows' : `cursor ${cursor.mirrorName}`
  const notes = [
    key.asserted.length > 0
      ? `The API says that ${key.asserted.map(({ name }) => name).join(', ')} can be null: rows in which one is null are left out.`
      : [],
    renamed.length > 0
      ? `Under another name, because the mirror or Postgres can't take the API's: ${renamed.map(({ name, mirrorName }) => `${name} as ${mirrorName}`).join(', ')}.`
      : [],
    risk ? `Careful, ${renderExplanation(risk)}.` : [],
    key.isOrderGuessed
      ? `The API doesn't tell the order of the key's columns in their index. If it isn't ${columns}, change "key" in ${names.jobFile} before the first run: rows are read faster in the index's order.`
      : [],
  ]
  return [
    `${names.job} pulls ${rootField} as ${who}, into mirror.${into}: key ${columns}; ${order}.`,
    ...notes.flat(),
    ...files.map(file => `  ${file}`),
    `Try it: npm run -s cli -- run ${names.job}`,
  ].join('\n')
}
