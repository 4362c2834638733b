import { z } from 'zod'
import { type ReadValue, readValue } from '../config/read-value.ts'
import { refuseCredential } from './refuse-credential.ts'

/** Reads a text that the login needs; injected, so that only the entry touches the disk. */
export type ReadSecretFile = (path: string) => Promise<string>

/**
 * What stands in a credential's file, read as a variable is.
 *
 * @param what how messages call the file, such as "The secret file /run/secret of client "sync""
 * @throws RefusalError (`client-auth`) when the file can't be read or holds nothing; the file's own error isn't kept
 */
export async function readCredentialFile(what: string, path: string, read: ReadSecretFile): Promise<ReadValue> {
  const text = await read(path).catch((error: unknown) => {
    const code = z.object({ code: z.string().max(40) }).safeParse(error).data?.code ?? 'unknown error'
    throw refuseCredential({
      found: `${what} can't be read (${code})`,
      remedy: 'check that it exists and may be read by this process',
    })
  })
  const found = readValue(text)
  if (found.value !== '') return found
  throw refuseCredential({ found: `${what} is empty`, remedy: 'write what Keycloak knows of the client into it' })
}
