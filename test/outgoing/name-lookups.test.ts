import { expect, test } from 'vitest'
import { startProcess } from '../cli/run-command.ts'
import { mainPath, wikiProject } from '../fixtures/wiki-project.ts'

/** Says at the end of its process how many threads Node had for names, files and compression. */
const observer = `data:text/javascript,${encodeURIComponent(`
  import { readdirSync, readFileSync } from 'node:fs'
  process.on('exit', () => {
    const names = readdirSync('/proc/self/task').map(id => readFileSync('/proc/self/task/' + id + '/comm', 'utf8'))
    process.stderr.write('threads ' + names.filter(name => name.startsWith('libuv-worker')).length)
  })
`)}`

async function countThreads(env: Record<string, string>): Promise<string> {
  await using command = startProcess(env, process.execPath, ['--import', observer, mainPath, '--version'], {
    cwd: wikiProject.folder,
  })
  return (await command.ended).err
}

test.runIf(process.platform === 'linux')('names whose DNS is silent leave threads for others', async () => {
  expect(await countThreads({})).toBe('threads 32')
  expect(await countThreads({ UV_THREADPOOL_SIZE: '8' })).toBe('threads 8')
})
