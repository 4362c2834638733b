import { fileURLToPath } from 'node:url'
import { type AddedPull, addPull, checkWish } from '../add/add-pull.ts'
import { type Command, textOption } from './command.ts'
import { findDefaultRole, introspectAs, openHasuraAccess } from './role-access.ts'

export const add: Command = {
  usage: 'add <root-field> [--role R] [--account A] [--key K] [--cursor C] [--into T]',
  summary: 'writes the operation and the job that mirror a table, from what the role sees of the live API',
  words: [1, 1],
  options: {
    role: { type: 'string' },
    account: { type: 'string' },
    key: { type: 'string' },
    cursor: { type: 'string' },
    into: { type: 'string' },
  },
  async run(context) {
    const { words, signal, terminal } = context
    const [rootField = ''] = words
    const wish = {
      rootField,
      key: textOption(context, 'key')
        ?.split(',')
        .map(column => column.trim()),
      cursor: textOption(context, 'cursor'),
      into: textOption(context, 'into') ?? rootField,
    }
    const folder = fileURLToPath(new URL('../../', import.meta.url))
    const project = { folder, jobs: (await context.loadDefinitions()).jobs }
    const names = await checkWish(project, wish)
    const hasura = openHasuraAccess(context)
    const asked = textOption(context, 'role')
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
}

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
