import { z } from 'zod'
import { type ReadValue, readValue } from '../config/read-value.ts'
import { refuseCredential } from './refuse-credential.ts'

/** Reads a file that the login needs; injected, so that only the entry point touches the disk. */
export type ReadSecretFile = (path: string) => Promise<string>

/**
 * Reads the value of a credential's file, trimmed as a variable is.
 *
 * @param what name of the file in messages, such as "The secret file /run/secret of client "sync""
 * @throws RefusalError (`client-auth`) when the file can't be read or is empty; the system's error isn't kept
 */
export async function readCredentialFile(what: string, path: string, read: ReadSecretFile): Promise<ReadValue> {
  const text = await read(path).catch((error: unknown) => {
    const code = z.object({ code: z.string().max(40) }).safeParse(error).data?.code ?? 'unknown error'
    throw refuseCredential({
      found: `${what} can't be read (${code})`,
      remedy: 'check that it exists and that this process may read it',
    })
  })
  const found = readValue(text)
  if (found.value !== '') return found
  throw refuseCredential({
    found: `${what} is empty`,
    remedy: 'write the credential into it that Keycloak has for the client',
  })
}
