import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'vitest'
import { findFreePort } from '../services/free-port.ts'
import type { Image } from './image.ts'
import { type Bind, runInRoot } from './run-in-root.ts'

/** How long a container has to end after SIGTERM, as both compose files say. */
const graceMs = 15_000

interface CheckOptions {
  /** All that the worker is told, besides what the image says. */
  readonly environment: Readonly<Record<string, string>>
  /** Whether a volume is mounted where the image wants one; nothing else can be written to. */
  readonly hasVolumes: boolean
  readonly binds?: readonly Bind[]
  /** One that runs when the worker starts. */
  readonly job: string
}

/** In a read-only root the image's worker becomes ready and healthy, runs a job, and ends in good order when it is asked to. */
export async function checkImage(image: Image, { environment, hasVolumes, binds = [], job }: CheckOptions) {
  const port = String(await findFreePort())
  const volumes = hasVolumes ? image.volumes : []
  await using worker = runInRoot(image.command, {
    ...image,
    isReadOnly: true,
    // A volume begins with what the image has in its place.
    binds: [...binds, ...volumes.map(path => ({ source: join(image.root, path), target: path, isReadOnly: false }))],
    // Outside of a container, HOST would mean every address of this machine.
    environment: { ...image.environment, ...environment, HOST: '127.0.0.1', PORT: port },
  })
  const hasEnded = worker.exitCode.then(code => expect.fail(`it ended with ${code}: ${worker.output()}`))
  await Promise.race([hasEnded, expect.poll(worker.output).toContain('worker ready')])
  expect((await fetch(`http://127.0.0.1:${port}/health/ready`)).status).toBe(200)
  const [node, ...check] = image.healthCheck
  expect(node).toBe('node')
  await promisify(execFile)(process.execPath, check, { env: { PORT: port } })
  await expect.poll(worker.output).toMatch(new RegExp(`"job":"${job}".*"msg":"run succeeded"`))
  hasEnded.catch(() => {})
  // What still hangs after 10 seconds is cut off by the worker itself, which ends with 1 then.
  expect(await worker.stop(graceMs)).toBe(0)
  expect(worker.output()).not.toMatch(/EROFS|EACCES|"level":"(?:warn|error|fatal)"/)
}
