import { createHash, timingSafeEqual } from 'node:crypto'
import type { Secret } from '../account.ts'
import { type HookSecrets, shortestHookSecret } from '../config/read-hook-secrets.ts'
import { readValue } from '../config/read-value.ts'
import { TransientError } from '../errors.ts'
import type { Log } from '../log.ts'
import type { Clock } from '../time/clock.ts'

/** Whether somebody shows the secret of Hasura's triggers. @throws TransientError (`hook-secret`) when it can't be read */
export type KnowsHookSecret = (shown: string | undefined) => Promise<boolean>

/** Files are read again after so many milliseconds: a secret that was replaced counts no longer. */
const freshForMs = 1_000

/**
 * Compares what is shown with one secret or two, in a time that tells nothing of either.
 *
 * @param readSecretFile reads a file, which is trimmed
 */
export function createHookSecret(
  { current, previous }: HookSecrets,
  {
    readSecretFile,
    clock,
    log,
  }: { readSecretFile(path: string): Promise<string>; readonly clock: Pick<Clock, 'now'>; readonly log: Log },
): KnowsHookSecret {
  let digests: Promise<readonly Buffer[]> | undefined
  let readAt = Number.NEGATIVE_INFINITY
  let isRefused = false
  const secrets = [current, ...(previous ? [previous] : [])]
  async function readDigests(): Promise<readonly Buffer[]> {
    try {
      const found = await Promise.all(secrets.map(async secret => digest(await read(secret, readSecretFile))))
      isRefused = false
      return found
    } catch (error) {
      // Once for as long as it lasts: each trigger that comes meanwhile is told as well.
      if (!isRefused) log.error({ error }, "Hasura's triggers are refused until the secret of hooks can be read")
      isRefused = true
      throw error
    }
  }
  return async shown => {
    if (!digests || clock.now() - readAt >= freshForMs) {
      readAt = clock.now()
      digests = readDigests()
    }
    const given = digest(shown ?? '')
    // Each is compared, whatever came of the one before.
    const equal = (await digests).map(expected => timingSafeEqual(expected, given))
    return shown !== undefined && equal.includes(true)
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

async function read(secret: Secret, readSecretFile: (path: string) => Promise<string>): Promise<string> {
  if ('value' in secret) return secret.value
  const text = await readSecretFile(secret.file).catch((error: unknown) => {
    throw unusable(`The file ${secret.file} with the secret of hooks can't be read`, { cause: error })
  })
  const { value } = readValue(text)
  if (value.length >= shortestHookSecret) return value
  throw unusable(`The secret of hooks in ${secret.file} has fewer than ${shortestHookSecret} characters`)
}

function unusable(found: string, options?: ErrorOptions): TransientError {
  const remedy = 'write one into it that "openssl rand -hex 32" makes, for this process to read'
  return new TransientError('hook-secret', { found, remedy }, options)
}
