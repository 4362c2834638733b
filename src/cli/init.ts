import { existsSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { UsageError } from '../errors.ts'
import { initProject } from '../init/init-project.ts'
import { commandOf, findPackageManager } from '../init/package-manager.ts'
import { defineStandaloneCommand } from './command.ts'
import { mirrorTables } from './mirror-tables.ts'
import { flag, optionalArgument, textsOption } from './options.ts'

export const init = defineStandaloneCommand({
  name: 'init',
  summary: 'create a project for your jobs; existing files are kept',
  arguments: { dir: optionalArgument('folder; default: the current one') },
  options: {
    fromEnv: flag(
      "also install the packages, check the account of the environment or of the folder's .env as doctor does, pull the schema of its default role and offer its tables",
    ),
    table: textsOption('NAME', 'with --from-env: add a job for this table; repeatable'),
    allTables: flag('with --from-env: add a job for every table that needs no further flag'),
  },
  async run({ dir = '.', fromEnv, table, allTables }, surroundings) {
    const { project, engineFolder, terminal } = surroundings
    if (!fromEnv && (allTables || table.length > 0)) {
      throw new UsageError({
        found: '--table and --all-tables need an account to read the tables with',
        remedy: 'add --from-env',
      })
    }
    if (allTables && table.length > 0) {
      throw new UsageError({ found: '--table and --all-tables are both given', remedy: 'give one of them' })
    }
    const folder = resolve(project.folder, dir)
    // A missing variable fails the command before anything is written.
    const context = fromEnv ? await surroundings.openContext(folder) : undefined
    const { written, leftAlone, warnings, startsWorker } = await initProject(engineFolder, folder)
    const lines = [
      written.length > 0 ? `Written to ${folder}:` : `Nothing to write: ${folder} is complete.`,
      ...written.map(path => `  ${path}`),
      ...(leftAlone.length > 0
        ? ['Kept, though they differ from what a new project has:', ...leftAlone.map(what => `  ${what}`)]
        : []),
      ...warnings,
    ]
    terminal.out(`${lines.join('\n')}\n`)
    const mirrored = context && (await mirrorTables(context, table.length > 0 ? table : allTables ? 'all' : 'ask'))
    if (mirrored && mirrored.exitCode !== 0) return mirrored.exitCode
    // Run again after an upgrade, it only says what differs.
    if (written.length === 0 && !mirrored) return 0
    const manager = await findPackageManager(folder)
    const command = commandOf(manager)
    const next = mirrored
      ? mirrored.jobs.length > 0
        ? mirrored.jobs.map(job => `${command} run ${job}`)
        : [`${command} add <table>`]
      : [
          `${manager} install`,
          // An existing one is filled in already.
          ...(existsSync(join(folder, '.env'))
            ? []
            : ['cp .env.example .env    # and fill in the issuer, the client and the endpoint']),
          `${command} doctor`,
          `${command} add <table>`,
        ]
    const place = relative(project.folder, folder)
    const quoted = /^[\w./-]+$/.test(place) ? place : `'${place.replaceAll("'", "'\\''")}'`
    const steps = [
      ...(place === '' ? [] : [`cd ${quoted}`]),
      ...next,
      startsWorker ? `${manager} start` : `${command} worker`,
    ]
    terminal.out(`Next:\n${steps.map(step => `  ${step}\n`).join('')}`)
    return 0
  },
})
