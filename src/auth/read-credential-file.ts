import { type ReadValue, readValue } from '../config/read-value.ts'
import { explainSecretFile, nameSecretFile, type SecretFileName } from '../failures/secret-file.ts'
import { refuseCredential } from './refuse-credential.ts'

/** Reads a file that the login needs; injected, so that only the entry point touches the disk. */
export type ReadSecretFile = (path: string) => Promise<string>

/**
 * Reads the value of a credential's file, trimmed as a variable is.
 *
 * @throws RefusalError (`client-auth`) when the file can't be read or is empty; the system's error isn't kept
 */
export async function readCredentialFile(file: SecretFileName, read: ReadSecretFile): Promise<ReadValue> {
  const text = await read(file.path).catch((error: unknown) => {
    throw refuseCredential(explainSecretFile(file, error))
  })
  const found = readValue(text)
  if (found.value !== '') return found
  throw refuseCredential({
    found: `${nameSecretFile(file)} is empty`,
    remedy: 'write the credential into it that Keycloak has for the client',
  })
}
