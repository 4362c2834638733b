import { relative, resolve } from 'node:path'
import { UsageError } from '../errors.ts'
import { initProject } from '../init/init-project.ts'
import { defineStandaloneCommand } from './command.ts'
import { mirrorTables } from './mirror-tables.ts'
import { flag, optionalArgument, textsOption } from './options.ts'

export const init = defineStandaloneCommand({
  name: 'init',
  summary: 'writes a project for jobs of your own; what is there already stays as it is',
  arguments: { dir: optionalArgument('the folder; default this one') },
  options: {
    fromEnv: flag(
      "also installs the packages, checks the account of the environment or of the folder's .env as doctor does, pulls the schema of its default role and offers the tables",
    ),
    table: textsOption('NAME', 'with --from-env: adds a job for this table, may be given several times'),
    allTables: flag('with --from-env: adds a job for every table that needs no further flag'),
  },
  async run({ dir = '.', fromEnv, table, allTables }, surroundings) {
    const { project, engineFolder, terminal } = surroundings
    if (!fromEnv && (allTables || table.length > 0)) {
      throw new UsageError({ found: 'Only an account can see tables', remedy: 'give --from-env as well' })
    }
    if (allTables && table.length > 0) {
      throw new UsageError({ found: '--table and --all-tables exclude each other', remedy: 'give one of them' })
    }
    const folder = resolve(project.folder, dir)
    // What is missing in the environment is told before anything is written.
    const context = fromEnv ? await surroundings.openContext(folder) : undefined
    const { written, leftAlone } = await initProject(engineFolder, folder)
    const lines = [
      written.length > 0 ? `Written to ${folder}:` : `Nothing was written: ${folder} has everything.`,
      ...written.map(path => `  ${path}`),
      ...(leftAlone.length > 0 ? ['Left as it is:', ...leftAlone.map(what => `  ${what}`)] : []),
    ]
    terminal.out(`${lines.join('\n')}\n`)
    const mirrored = context && (await mirrorTables(context, table.length > 0 ? table : allTables ? 'all' : 'ask'))
    if (mirrored && mirrored.exitCode !== 0) return mirrored.exitCode
    const next = mirrored
      ? mirrored.jobs.length > 0
        ? mirrored.jobs.map(job => `npm run -s cli -- run ${job}`)
        : ['npm run -s cli -- add <table>']
      : [
          'npm install',
          'cp .env.example .env    # and fill in the issuer, the client and the endpoint',
          'npm run -s cli -- doctor',
          'npm run -s cli -- add <table>',
        ]
    const place = relative(project.folder, folder)
    const steps = [...(place === '' ? [] : [`cd ${place}`]), ...next, 'npm start']
    terminal.out(`Next:\n${steps.map(step => `  ${step}\n`).join('')}`)
    return 0
  },
})
