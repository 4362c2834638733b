import type { Account } from '../account.ts'
import { type AddedPull, type AddedPulls, addPulls } from '../add/add-pull.ts'
import { checkWishes } from '../add/check-wishes.ts'
import { renderExplanation } from '../explanation.ts'
import { defineCommand } from './command.ts'
import { argument, textOption } from './options.ts'
import { findDefaultRole, introspectAs, openHasuraAccess } from './role-access.ts'
import { tellLeftOut } from './tell-left-out.ts'

export const add = defineCommand({
  name: 'add',
  summary: 'add the operation and the job that mirror a table, from what the role sees of the live API',
  arguments: {
    rootField: argument(
      "the API's query field that lists the rows, such as articles, or north.articles in a namespace",
    ),
  },
  options: {
    role: textOption('ROLE', "role of the job; default: the token's default role"),
    account: textOption('NAME', 'account to query the API with; default: the first one'),
    key: textOption('COLUMNS', 'key columns, separated by commas; default: the primary key'),
    cursor: textOption(
      'COLUMN',
      'column that grows when a row changes, or "none" to read and compare all rows in every run; default: a column such as updated_at',
    ),
    into: textOption('TABLE', 'mirror table; default: the name of the root field'),
    name: textOption('NAME', 'name of the job and its files; default: made from the root field, such as sync-articles'),
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
    const added = await addPulls(project, [wish], chosen, { role, sdl }, context).catch((error: unknown) => {
      // What the wish lacks may be among it, such as the primary key.
      terminal.err(tellLeftOut(leftOut.filter(left => left.includes(rootField.split('.').at(-1) ?? ''))))
      throw error
    })
    const who = asked === undefined ? `role "${role}", the token's default role` : `role "${role}"`
    terminal.out(describeAdded(added, who, hasura.account))
    for (const { names } of added.pulls) terminal.out(`Try it: npm run -s cli -- run ${names.job}\n`)
    terminal.out(tellLeftOut(leftOut))
    return 0
  },
})

/** @returns lines that end: what was added, as which role, and what is left to do in the accounts file */
export function describeAdded({ pulls, files }: AddedPulls, who: string, account: Account): string {
  const missing = pulls.map(({ names }) => names.job).filter(job => account.jobs && !account.jobs.includes(job))
  return [
    ...pulls.map(pull => describe(pull, who)),
    ...files.map(file => `  ${file}`),
    ...(missing.length > 0
      ? [`The accounts file lists the jobs of account "${account.name}": add ${missing.join(', ')} there.`]
      : []),
    '',
  ].join('\n')
}

function describe({ rootField, names, into, key, cursor, renamed, risk }: AddedPull, who: string): string {
  const columns = key.columns.map(({ mirrorName }) => mirrorName).join(', ')
  const order = cursor === undefined ? 'no cursor, so every run reads all rows' : `cursor ${cursor.mirrorName}`
  const notes = [
    key.asserted.length > 0
      ? `In the API's schema, ${key.asserted.map(({ name }) => name).join(', ')} can be null: rows with a null there, such as a value that the role may not see, are left out.`
      : [],
    renamed.length > 0
      ? `Renamed, because the mirror or Postgres can't use the API's name: ${renamed.map(({ name, mirrorName }) => `${name} as ${mirrorName}`).join(', ')}.`
      : [],
    risk ? `Warning: ${renderExplanation(risk)}.` : [],
    key.isOrderGuessed
      ? `The API doesn't show the order of the key's columns in their index. If it isn't ${columns}, change "key" in ${names.jobFile} before the first run: reading in the index's order is faster.`
      : [],
  ]
  return [
    `${names.job} pulls ${rootField} as ${who}, into mirror.${into}: key ${columns}; ${order}.`,
    ...notes.flat(),
  ].join('\n')
}
