import { relative, resolve } from 'node:path'
import { initProject } from '../init/init-project.ts'
import { defineStandaloneCommand } from './command.ts'
import { optionalArgument } from './options.ts'

export const init = defineStandaloneCommand({
  name: 'init',
  summary: 'writes a project for jobs of your own; what is there already stays as it is',
  arguments: { dir: optionalArgument('the folder; default this one') },
  options: {},
  async run({ dir = '.' }, { project, engineFolder, terminal }) {
    const folder = resolve(project.folder, dir)
    const { written, leftAlone } = await initProject(engineFolder, folder)
    const place = relative(project.folder, folder)
    const lines = [
      written.length > 0 ? `Written to ${folder}:` : `Nothing was written: ${folder} has everything.`,
      ...written.map(path => `  ${path}`),
      ...(leftAlone.length > 0 ? ['Left as it is:', ...leftAlone.map(what => `  ${what}`)] : []),
      'Next:',
      ...(place === '' ? [] : [`  cd ${place}`]),
      '  npm install',
      '  cp .env.example .env    # and fill in the issuer, the client and the endpoint',
      '  npm run -s cli -- doctor',
      '  npm run -s cli -- add <root field>',
      '  npm start',
    ]
    terminal.out(`${lines.join('\n')}\n`)
    return 0
  },
})
