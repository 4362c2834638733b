import { hash, timingSafeEqual } from 'node:crypto'
import type { Secret } from '../account.ts'
import { type HookSecrets, shortestHookSecret } from '../config/read-hook-secrets.ts'
import { readValue } from '../config/read-value.ts'
import { TransientError } from '../errors.ts'
import { explainSecretFile } from '../failures/secret-file.ts'
import type { Log } from '../log.ts'
import type { Clock } from '../time/clock.ts'

/** Whether a trigger sent the right secret. @throws TransientError (`hook-secret`) if it can't be read */
export type KnowsHookSecret = (shown: string | undefined) => Promise<boolean>

/** Milliseconds until files are read again: a replaced secret is then no longer valid. */
const freshForMs = 1_000

/**
 * Compares what was sent with one or two secrets, in a time that reveals nothing about them.
 *
 * @param readSecretFile reads a file, which is trimmed
 */
export function createHookSecret(
  { current, previous }: HookSecrets,
  {
    readSecretFile,
    clock,
    log,
  }: { readSecretFile(path: string): Promise<string>; readonly clock: Pick<Clock, 'elapsed'>; readonly log: Log },
): KnowsHookSecret {
  let digests: Promise<readonly Buffer[]> | undefined
  let readAt = Number.NEGATIVE_INFINITY
  let isRefused = false
  const secrets = [current, ...(previous ? [previous] : [])]
  async function readDigests(): Promise<readonly Buffer[]> {
    try {
      const found = await Promise.all(
        secrets.map(async secret => hash('sha256', await read(secret, readSecretFile), 'buffer')),
      )
      isRefused = false
      return found
    } catch (error) {
      // Logged once per outage; each trigger gets an error too.
      if (!isRefused) log.error({ error }, "Hasura's triggers are refused until the secret of hooks can be read")
      isRefused = true
      throw error
    }
  }
  return async shown => {
    if (!digests || clock.elapsed() - readAt >= freshForMs) {
      readAt = clock.elapsed()
      digests = readDigests()
    }
    const given = hash('sha256', shown ?? '', 'buffer')
    // All are compared, whatever the result of the first.
    const equal = (await digests).map(expected => timingSafeEqual(expected, given))
    return shown !== undefined && equal.includes(true)
  }
}

const file = { what: 'The file', of: 'with the secret of hooks' }

async function read(secret: Secret, readSecretFile: (path: string) => Promise<string>): Promise<string> {
  if ('value' in secret) return secret.value
  const text = await readSecretFile(secret.file).catch((error: unknown) => {
    // The system's error isn't kept, because it has the path too.
    throw new TransientError('hook-secret', explainSecretFile({ ...file, path: secret.file }, error))
  })
  const { value } = readValue(text)
  if (value.length >= shortestHookSecret) return value
  throw unusable(`The secret of hooks in ${secret.file} has fewer than ${shortestHookSecret} characters`)
}

function unusable(found: string): TransientError {
  const remedy = 'write the output of "openssl rand -hex 32" to the file'
  return new TransientError('hook-secret', { found, remedy })
}
