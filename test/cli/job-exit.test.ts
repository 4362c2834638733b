import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { copyProject } from '../fixtures/copy-project.ts'
import { openSandbox } from '../fixtures/open-sandbox.ts'
import { openHome, start } from './run-command.ts'

test('a job that ends the process doesn’t look like one that is done', async () => {
  await using sandbox = await openSandbox()
  await using home = await openHome(sandbox, 'ends')
  const project = await copyProject(home.folder)
  await writeFile(
    join(project, 'src/jobs/list.ts'),
    `import { z } from 'zod'
import { defineJob } from 'hasura-sync-worker'
const payload = z.strictObject({})
export const jobs = [defineJob({ name: 'ends', payload, run: async () => process.exit(0) })] as const
`,
  )
  await using command = start(home.env, ['run', 'ends'], project)
  expect(await command.ended).toMatchObject({
    code: 1,
    err: expect.stringMatching(
      /^process\.exit\(0\) ended the process before the command was done \(at src\/jobs\/list\.ts:4:\d+\): throw an error there instead/m,
    ),
  })
  await using after = start(home.env, ['jobs'], project)
  expect(await after.ended).toMatchObject({ code: 0, err: '' })
})
