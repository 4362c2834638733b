import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ConfigError, TransientError } from '../../src/errors.ts'
import { problemSchema } from '../../src/problem.ts'
import { claimDataDir, controlSocketPath, explainRefusedSocket, isOwned } from '../../src/store/data-dir-claim.ts'
import { withoutRoot } from '../fixtures/without-root.ts'

function failing(call: string, code: string): Error {
  return Object.assign(new Error(`${code}: canary, ${call}`), { code })
}

describe('the claim of a data folder', () => {
  let folder: string
  let owners: ChildProcess[]
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'claim-'))
    owners = []
  })
  afterEach(async () => {
    for (const owner of owners) owner.kill('SIGKILL')
    await rm(folder, { recursive: true, force: true })
  })

  /** A process that claims the folder and says "owner" or why not. */
  const startOwner = async (): Promise<{ process: ChildProcess; said: string }> => {
    const script = `
      import { claimDataDir } from '${new URL('../../src/store/data-dir-claim.ts', import.meta.url)}'
      try { globalThis.claim = await claimDataDir(process.argv[1]); console.log('owner'); setInterval(() => {}, 1000) }
      catch (error) { console.log(error.message) }`
    const owner = spawn(process.execPath, ['--input-type=module', '-e', script, folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    owners.push(owner)
    const [said] = await once(owner.stdout, 'data')
    return { process: owner, said: String(said).trim() }
  }

  test('a second owner is refused with what to do', async () => {
    await using _claim = await claimDataDir(folder)
    const refusal = await claimDataDir(folder).catch((error: unknown) => error)
    expect(refusal).toBeInstanceOf(ConfigError)
    expect(String(refusal)).toContain(`${folder} belongs to another process`)
    expect(String(refusal)).toContain('DATABASE_URL')
  })

  test('the socket is only for its user, and is removed with the claim', async () => {
    const claim = await claimDataDir(folder)
    expect((await stat(claim.socketPath)).mode & 0o777).toBe(0o600)
    expect(await isOwned(folder)).toBe(true)
    await claim[Symbol.asyncDispose]()
    expect(await isOwned(folder)).toBe(false)
    await using _again = await claimDataDir(folder)
  })

  test('callers are told to come again until somebody serves them', async () => {
    await using claim = await claimDataDir(folder)
    const call = request({ socketPath: claim.socketPath, path: '/ping' }).end()
    const [response] = await once(call, 'response')
    expect([response.statusCode, response.headers['retry-after']]).toEqual([503, '1'])
    expect(problemSchema.parse(JSON.parse(await text(response)))).toMatchObject({ code: 'busy', status: 503 })
  })

  test('the socket of a process that was killed is taken over', async () => {
    const { process: first, said } = await startOwner()
    expect(said).toBe('owner')
    expect(await isOwned(folder)).toBe(true)
    first.kill('SIGKILL')
    await once(first, 'exit')
    expect(await isOwned(folder)).toBe(false)
    await using _claim = await claimDataDir(folder)
    expect(await isOwned(folder)).toBe(true)
  })

  test('a process that is stopped stays the owner', async () => {
    const { process: first } = await startOwner()
    first.kill('SIGSTOP')
    await expect(claimDataDir(folder)).rejects.toThrow('belongs to another process')
    first.kill('SIGKILL')
  })

  test('of many that start at once on a dead socket exactly one becomes the owner', async () => {
    for (let round = 0; round < 20; round += 1) {
      const dead = join(folder, `${round}`)
      await mkdir(dead)
      // What a crash leaves behind: a path on which nobody listens.
      await writeFile(controlSocketPath(dead), '')
      const outcomes = await Promise.allSettled(Array.from({ length: 5 }, () => claimDataDir(dead)))
      const claims = outcomes.flatMap(outcome => (outcome.status === 'fulfilled' ? [outcome.value] : []))
      expect(claims).toHaveLength(1)
      expect(await isOwned(dead)).toBe(true)
      await claims[0]?.[Symbol.asyncDispose]()
    }
  })

  test('of several processes that start at once exactly one becomes the owner', async () => {
    const { process: first } = await startOwner()
    first.kill('SIGKILL')
    await once(first, 'exit')
    const said = (await Promise.all([startOwner(), startOwner(), startOwner()])).map(owner => owner.said)
    expect(said.filter(words => words === 'owner')).toHaveLength(1)
    expect(said.filter(words => words.includes('belongs to another process'))).toHaveLength(2)
  })

  test('of the workers of a cluster only one becomes the owner', async () => {
    const script = join(folder, 'cluster.mjs')
    await writeFile(
      script,
      `
      import cluster from 'node:cluster'
      import { claimDataDir } from '${new URL('../../src/store/data-dir-claim.ts', import.meta.url)}'
      if (cluster.isPrimary) {
        const workers = [cluster.fork(), cluster.fork()]
        const said = workers.map(worker => new Promise(resolve => worker.once('message', resolve)))
        console.log((await Promise.all(said)).join('\\n'))
        cluster.disconnect()
      } else {
        process.on('message', () => {})
        claimDataDir('${folder}').then(() => process.send('owner'), error => process.send(error.message))
      }`,
    )
    const primary = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] })
    owners.push(primary)
    const said = (await text(primary.stdout)).trim().split('\n')
    expect(said.filter(words => words === 'owner')).toHaveLength(1)
    expect(said.filter(words => words.includes('belongs to another process'))).toHaveLength(1)
  })

  test('a path that is too long for a socket is refused with what to do', async () => {
    const long = join(folder, 'x'.repeat(120))
    await mkdir(long)
    await expect(claimDataDir(long)).rejects.toThrow('shorter than 90 characters')
  })

  test('a folder in which this user may not write is told as such', async () => {
    await chmod(folder, 0o500)
    const claiming = withoutRoot(() => claimDataDir(folder))
    await expect(claiming).rejects.toThrow("can't hold a control socket, because the permission is missing (EACCES)")
  })

  test.each(['EINVAL', 'ENOTSUP', 'EPERM'])(
    'a file system that refuses the mode of a socket (%s) is used',
    async code => {
      await using _claim = await claimDataDir(folder, async () => {
        throw failing('chmod', code)
      })
      expect(await isOwned(folder)).toBe(true)
    },
  )

  test('a mode that fails for another reason leaves no owner', async () => {
    const claiming = claimDataDir(folder, async () => {
      throw failing('chmod', 'EIO')
    })
    await expect(claiming).rejects.toThrow(`${folder} can't hold a control socket (EIO: canary, chmod)`)
    expect(await isOwned(folder)).toBe(false)
  })

  test('a process that may not open Unix sockets is told to be allowed to', () => {
    expect(explainRefusedSocket(folder, failing('listen', 'EAFNOSUPPORT'))).toMatchObject({
      found: 'This process may not open Unix sockets (EAFNOSUPPORT), which the embedded database needs',
      remedy: 'allow AF_UNIX (systemd: RestrictAddressFamilies), or set DATABASE_URL',
    })
  })

  test.each(['ENOTSUP', 'EPERM'])('a file system without sockets (%s) is named', code => {
    const refusal = explainRefusedSocket(folder, failing('listen', code))
    expect(refusal.message).toContain('its file system has no sockets')
    expect(refusal.message).toContain('in a container: a named volume; in WSL: not below /mnt')
  })

  test('a full disk passes, and is not told as a path that is too long', () => {
    const refusal = explainRefusedSocket(folder, Object.assign(failing('listen', 'ENOSPC'), { syscall: 'listen' }))
    expect(refusal).toBeInstanceOf(TransientError)
    expect(refusal.message).toMatch(/because the disk is full \(ENOSPC\): free space on it$/)
  })

  // Linux refuses sockets there, and refuses other users before it says so.
  test.runIf(existsSync('/dev/pts') && process.getuid?.() === 0)('a folder that is on one is refused', async () => {
    await expect(claimDataDir('/dev/pts')).rejects.toThrow('its file system has no sockets (listen EPERM')
  })
})
