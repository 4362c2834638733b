import { z } from 'zod'
import type { Login } from '../account.ts'
import { RefusalError } from '../errors.ts'

/** The client's secret, remembered from its first use to the first refusal. */
export interface ClientSecret {
  get(): Promise<string>
  /** The server refused the client: forgets the secret, and tells whether `get` gives another one now. */
  hasChangedSince(refused: string): Promise<boolean>
  /** Where it came from, for a sentence such as "check …". */
  readonly origin: string
}

/**
 * A secret from a file is read at its first use, trimmed (editors and `kubectl` leave a newline), and read again whenever
 * the client was refused, because secrets are rotated under a running process.
 *
 * @throws RefusalError (`client-auth`) that names the path when the file can't be read or holds nothing
 */
export function createClientSecret(
  login: Pick<Login, 'secret' | 'clientId'>,
  readSecretFile: (path: string) => Promise<string>,
): ClientSecret {
  const { secret, clientId } = login
  let known: string | undefined

  async function read(): Promise<string> {
    if ('value' in secret) {
      if (secret.value !== '') return secret.value
      throw refusal(`The secret of client "${clientId}" is empty: set CLIENT_SECRET or CLIENT_SECRET_FILE`)
    }
    const text = (await readFile(secret.file, readSecretFile)).trim()
    if (text !== '') return text
    throw refusal(`The secret file ${secret.file} of client "${clientId}" is empty: write the client's secret into it`)
  }

  async function get(): Promise<string> {
    known ??= await read()
    return known
  }

  return {
    get,
    async hasChangedSince(refused) {
      known = undefined
      return (await get()) !== refused
    },
    origin: 'value' in secret ? 'CLIENT_SECRET' : `the secret file ${secret.file}`,
  }
}

async function readFile(path: string, readSecretFile: (path: string) => Promise<string>): Promise<string> {
  try {
    return await readSecretFile(path)
  } catch (error) {
    const code = z.object({ code: z.string().max(40) }).safeParse(error).data?.code ?? 'unknown error'
    throw refusal(
      `The secret file ${path} can't be read (${code}): check that it exists and may be read by this process`,
    )
  }
}

function refusal(message: string): RefusalError {
  return new RefusalError('client-auth', 'account', message)
}
