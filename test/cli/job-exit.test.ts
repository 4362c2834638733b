import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { copyProject } from '../fixtures/copy-project.ts'
import { openSandbox } from '../fixtures/open-sandbox.ts'
import { openHome, start } from './run-command.ts'

test.each([
  ['itself', 'process.exit(0)', String.raw`src\/jobs\/list\.ts:5:\d+`],
  ['in a package', 'endLater()', String.raw`src\/jobs\/node_modules\/quits\/index\.js:1:\d+`],
])('a job that ends the process %s doesn’t look like one that is done', async (_where, call, place) => {
  await using sandbox = await openSandbox()
  await using home = await openHome(sandbox, 'ends')
  const project = await copyProject(home.folder)
  const quits = join(project, 'src/jobs/node_modules/quits')
  await mkdir(quits, { recursive: true })
  await writeFile(join(quits, 'package.json'), '{ "name": "quits", "type": "module", "exports": "./index.js" }')
  await writeFile(
    join(quits, 'index.js'),
    'export const endLater = () => new Promise(() => setTimeout(() => process.exit(0)))',
  )
  await writeFile(
    join(project, 'src/jobs/list.ts'),
    `import { z } from 'zod'
import { defineJob } from 'hasura-sync-worker'
import { endLater } from 'quits'
const payload = z.strictObject({})
export const jobs = [defineJob({ name: 'ends', payload, run: async () => ${call} })] as const
`,
  )
  await using command = start(home.env, ['run', 'ends'], project)
  expect(await command.ended).toMatchObject({
    code: 1,
    err: expect.stringMatching(
      new RegExp(
        `^process\\.exit\\(0\\) ended the process before the command was done \\(at ${place}\\): let the job return or throw`,
        'm',
      ),
    ),
  })
  await using after = start(home.env, ['jobs'], project)
  expect(await after.ended).toMatchObject({ code: 0, err: '' })
})
