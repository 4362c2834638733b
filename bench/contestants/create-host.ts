import { hostname } from 'node:os'
import type { Host } from '../../src/app/app.ts'
import type { Log } from '../../src/log.ts'
import { systemClock } from '../../src/time/clock.ts'
import { wikiProject } from '../../test/fixtures/wiki-project.ts'

/** This process as the host of a contestant's app; secrets and settings come from the bench. */
export function createHost(log: Log): Host {
  return {
    clock: systemClock,
    log,
    hostname: hostname(),
    pid: process.pid,
    uid: process.getuid?.(),
    project: wikiProject,
    env: {},
    readSecretFile: () => Promise.reject(new Error('the secret is in the configuration')),
  }
}
