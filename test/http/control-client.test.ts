import { once } from 'node:events'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { createServer as createSocketServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { createControlClient, waitForOwner } from '../../src/http/control-client.ts'
import { stoppingCode, toProblem } from '../../src/problem.ts'
import { systemClock } from '../../src/time/clock.ts'
import { captureLog } from '../fixtures/captured-log.ts'
import { withoutRoot } from '../fixtures/without-root.ts'

/** Who owns the embedded database, and sends no more than a part of each response. */
async function openOwner(part: string, { status = 200, isKilled = true, isComplete = false } = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'hasura-sync-worker-owner-'))
  const server = createServer((_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json' })
    if (isComplete) response.end(part)
    else response.write(part, () => isKilled && response.destroy())
  })
  const path = join(folder, 'control.sock')
  server.listen(path)
  await once(server, 'listening')
  return {
    path,
    operations: createControlClient(path),
    stop: () => void server.close(),
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

const waiting = `${JSON.stringify({ type: 'event', event: { type: 'waiting' } })}\n`

describe('an owner that ends in the middle of a response', () => {
  test.each([
    ['an event of a run', waiting],
    ['half an event of a run', waiting.slice(0, 9)],
  ])('after %s is told to have ended before the run', async (_what, part) => {
    await using owner = await openOwner(part)
    await expect(owner.operations.run({ job: 'sync-users' })).rejects.toMatchObject({
      code: 'control',
      message: 'The worker ended before the run did; the run is recorded as interrupted',
    })
  })

  test.each([
    ['a list', 200, '['],
    ['an error', 503, '{'],
  ])('after a part of %s is told to be gone', async (_what, status, part) => {
    await using owner = await openOwner(part, { status })
    await expect(owner.operations.listJobs()).rejects.toMatchObject({
      code: 'owner-gone',
      message: 'The process that owned DATA_DIR ended before it answered: try again',
    })
  })
})

test('a folder that another user has closed is told, and not asked again', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'hasura-sync-worker-owner-'))
  await chmod(folder, 0)
  try {
    const waiting = withoutRoot(() =>
      waitForOwner(
        join(folder, 'control.sock'),
        { clock: systemClock, log: captureLog().log },
        AbortSignal.timeout(60_000),
      ),
    )
    await expect(waiting).rejects.toThrow('the permission is missing (EACCES): run the command as the user')
  } finally {
    await chmod(folder, 0o700)
    await rm(folder, { recursive: true })
  }
})

test('an owner that somebody has stopped is told, and not waited for without end', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'hasura-sync-worker-owner-'))
  const path = join(folder, 'control.sock')
  // As after SIGSTOP: the system still accepts connections.
  const server = createSocketServer(() => {}).listen(path)
  await once(server, 'listening')
  const waits: number[] = []
  const sleep = async (ms: number) => void waits.push(ms)
  const { log, lines } = captureLog()
  const waiting = waitForOwner(path, { clock: { ...systemClock, sleep }, log }, AbortSignal.timeout(60_000))
  await expect(waiting).rejects.toThrow("hasn't answered for 600 s: if it is stopped, as by Ctrl+Z, continue it")
  expect(waits).toEqual([10_000, 600_000])
  expect(lines).toMatchObject([{ level: 'warn', msg: expect.stringMatching(/^waiting: .* hasn't answered for 10 s/) }])
  await new Promise(resolve => server.close(resolve))
  await rm(folder, { recursive: true })
})

test('an owner that is stopping is waited for until it is gone', async () => {
  const problem = JSON.stringify(toProblem(503, stoppingCode, 'This process is stopping'))
  await using owner = await openOwner(problem, { status: 503, isComplete: true })
  let pauses = 0
  const sleep = async (ms: number, signal?: AbortSignal) => {
    // How long an answer may take.
    if (ms > 1_000) return systemClock.sleep(ms, signal)
    pauses += 1
    if (pauses === 2) owner.stop()
  }
  const deps = { clock: { ...systemClock, sleep }, log: captureLog().log }
  expect(await waitForOwner(owner.path, deps, new AbortController().signal)).toBe(false)
  expect(pauses).toBe(2)
})

test('a result may have the characters at which some readers end a line', async () => {
  const output = { from: 'a\u2028b\u2029c\r', to: 'd\u0085' }
  await using owner = await openOwner(`${waiting}${JSON.stringify({ type: 'output', output })}\n`, { isKilled: false })
  expect(await owner.operations.run({ job: 'sync-users' })).toEqual(output)
})

test('a run that its caller aborts ends with the reason', async () => {
  await using owner = await openOwner(waiting, { isKilled: false })
  const stopping = new AbortController()
  const reason = new DOMException('SIGINT was received', 'AbortError')
  const call = { signal: stopping.signal, onEvent: () => stopping.abort(reason) }
  await expect(owner.operations.run({ job: 'sync-users' }, call)).rejects.toBe(reason)
})
