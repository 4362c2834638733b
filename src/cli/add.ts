import type { Account } from '../account.ts'
import { type AddedPull, type AddedPulls, addPulls, checkWishes } from '../add/add-pull.ts'
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
    const chosen = await checkWishes(project, [wish])
    const hasura = openHasuraAccess(context, values.account)
    const role = asked ?? (await findDefaultRole(hasura, signal))
    const { sdl, leftOut } = await introspectAs(hasura, role, signal)
    const added = await addPulls(project, [wish], chosen, { role, sdl }, signal)
    const who = asked === undefined ? `role "${role}", the token's default role` : `role "${role}"`
    terminal.out(describeAdded(added, who, hasura.account))
    for (const { names } of added.pulls) terminal.out(`Try it: npm run -s cli -- run ${names.job}\n`)
    terminal.out(tellLeftOut(leftOut))
    return 0
  },
})

/** What was added, as which role, and what is left to do in the accounts file; lines that end. */
export function describeAdded({ pulls, files }: AddedPulls, who: string, account: Account): string {
  const missing = pulls.map(({ names }) => names.job).filter(job => account.jobs && !account.jobs.includes(job))
  return [
    ...pulls.map(pull => describe(pull, who)),
    ...files.map(file => `  ${file}`),
    ...(missing.length > 0
      ? [`Account "${account.name}" names its jobs in the accounts file: add ${missing.join(', ')} there.`]
      : []),
    '',
  ].join('\n')
}

function describe({ rootField, names, into, key, cursor, renamed, risk }: AddedPull, who: string): string {
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
  ].join('\n')
}
