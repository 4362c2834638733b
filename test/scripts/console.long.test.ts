import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { projectFolder } from '../docs/markdown.ts'

/** Started by a shell in an empty folder, as `npm run` starts it, with what `npm run seed` has written as its environment. */
async function start(folder: string, command: string, input = '') {
  const child = spawn('sh', ['-c', command], {
    cwd: folder,
    env: { PATH: process.env.PATH, NODE: process.execPath, PROJECT: projectFolder },
  })
  child.stdin.end(input)
  const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')])
  return { code, out, err }
}

const seed = '"$NODE" --conditions=@hasura-sync-worker/source "$PROJECT/test/sandbox/demo/seed.ts"'
const prompt = '. .seed/env && "$NODE" "$PROJECT/scripts/console.ts"'

test('the console shows what seed has filled, and changes nothing', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'console-'))
  try {
    expect(await start(folder, seed)).toMatchObject({ code: 0, err: '' })
    const states = `(await store.selectFrom('worker.requests').select('state').execute()).map(({ state }) => state).join()`
    const deletion = 'await sql`delete from worker.requests`.execute(store)'
    const { code, out } = await start(folder, prompt, [states, deletion, states, '.exit', ''].join('\n'))
    expect(code).toBe(0)
    expect(out).toMatch(/^Read-only\./)
    expect(out).toContain('cannot execute DELETE in a read-only transaction')
    const shown = out.match(/'[a-z,]*'/g)
    expect(shown).toEqual([expect.stringMatching(/^'(done,)+cancelled,waiting'$/), shown?.[0]])
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
