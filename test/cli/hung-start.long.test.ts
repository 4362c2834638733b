import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { copyProject } from '../fixtures/copy-project.ts'
import { openSandbox } from '../fixtures/open-sandbox.ts'
import { openHome, start } from './run-command.ts'

test('a worker whose job never finishes loading ends when it is told to stop', async () => {
  await using sandbox = await openSandbox()
  await using home = await openHome(sandbox, 'hung')
  const project = await copyProject(home.folder)
  await writeFile(
    join(project, 'src/jobs/list.ts'),
    `console.error('loading'); setInterval(() => {}, 1_000); await new Promise(() => {}); export const jobs = []\n`,
  )
  await using worker = start({ ...home.env, PORT: '0' }, ['worker'], project)
  await expect.poll(() => worker.err()).toContain('loading')
  worker.kill('SIGTERM')
  expect((await worker.ended).code).toBe(1)
})
