import { addPulls } from '../add/add-pull.ts'
import { checkWishes } from '../add/check-wishes.ts'
import { findPuller, findTaken } from '../add/choose-names.ts'
import { findPullable } from '../add/find-pullable.ts'
import { listFile } from '../add/register-job.ts'
import { writeFiles } from '../add/write-files.ts'
import { schemaFileName } from '../hasura/role-name.ts'
import { type RoleSchema, readSchema } from '../hasura/role-schema.ts'
import { readChoice } from '../init/choose-tables.ts'
import { describeOthers } from '../init/describe-others.ts'
import { hasPackages, installPackages, requireNpm } from '../init/install-packages.ts'
import { describeAdded } from './add.ts'
import type { CommandContext } from './command.ts'
import { diagnose, report } from './doctor.ts'
import { findDefaultRole, introspectAs, openHasuraAccess } from './role-access.ts'
import { tellLeftOut } from './tell-left-out.ts'

export interface MirroredTables {
  /** That of `doctor` when a check fails; then nothing was pulled. */
  readonly exitCode: number
  /** Added by this call. */
  readonly jobs: readonly string[]
}

/**
 * Installs a project's packages, pulls the schema of the account's default role, and adds a job for each table that is wanted.
 *
 * @param tables by name; `ask` offers them to a person, and adds none when nobody can answer
 */
export async function mirrorTables(
  context: CommandContext,
  tables: readonly string[] | 'all' | 'ask',
): Promise<MirroredTables> {
  const { host, signal, terminal } = context
  const { project } = host
  if (!hasPackages(project.folder)) {
    await requireNpm(project.folder)
    terminal.err('Installing packages …\n')
    await installPackages(project.folder, environmentOf(context), signal)
  }
  const hasura = openHasuraAccess(context, undefined)
  const exitCode = report(await diagnose(context, [hasura.account]), terminal, false)
  if (exitCode !== 0) {
    terminal.err('Fix the failed checks, then run the command again.\n')
    return { exitCode, jobs: [] }
  }

  const role = await findDefaultRole(hasura, signal)
  const { sdl, leftOut } = await introspectAs(hasura, role, signal)
  const schema = readSchema(role, sdl)
  const path = `graphql/schema/${schemaFileName(role)}`
  await writeFiles(project.folder, [{ path, content: sdl }])
  terminal.out(`${path} holds the schema that role "${role}", the token's default role, sees.\n${tellLeftOut(leftOut)}`)

  const { jobs } = await context.loadDefinitions()
  const taken = await findTaken(project.folder, listFile, jobs)
  const isNew = (place: string): boolean => findPuller(taken, place) === undefined
  const wanted = typeof tables === 'string' ? await findWanted(context, schema, tables, isNew) : [...new Set(tables)]
  for (const table of wanted) {
    const puller = findPuller(taken, table)
    if (puller !== undefined) terminal.out(`${puller} already.\n`)
  }
  const chosen = wanted.filter(isNew)
  if (chosen.length === 0) return { exitCode: 0, jobs: [] }

  const wishes = chosen.map(rootField => ({ rootField }))
  const own = { ...project, jobs }
  const added = await addPulls(own, wishes, await checkWishes(own, wishes), { role, sdl }, context)
  terminal.out(describeAdded(added, `role "${role}"`, hasura.account))
  return { exitCode: 0, jobs: added.pulls.map(({ names }) => names.job) }
}

async function findWanted(
  { terminal, signal }: CommandContext,
  schema: RoleSchema,
  which: 'all' | 'ask',
  isNew: (place: string) => boolean,
): Promise<readonly string[]> {
  const { pullable, others } = findPullable(schema)
  terminal.out(describeOthers(others.filter(({ place }) => isNew(place))))
  const offered = pullable.filter(isNew)
  if (which === 'all' || offered.length === 0) return offered
  const lines = offered.map((table, index) => `${String(index + 1).padStart(4)}  ${table}\n`)
  terminal.out(`Tables without a job:\n${lines.join('')}`)
  if (!terminal.ask) return []
  return readChoice(
    await terminal.ask('Which tables should get a job? (numbers or names, all, none) [none] ', signal),
    offered,
  )
}

/** The environment without the variables of `.env`, which may be secrets and are only for the worker. */
function environmentOf({ env, envFile }: CommandContext): CommandContext['env'] {
  const names = new Set(envFile?.variables)
  return Object.fromEntries(Object.entries(env).filter(([name]) => !names.has(name)))
}
