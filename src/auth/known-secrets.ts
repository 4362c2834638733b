import type { Login } from '../account.ts'
import type { ReadSecretFile } from './read-credential-file.ts'

/** The secrets that an account logs in with, as they are now, so that they can be taken out of a text; never rejects. */
export async function findKnownSecrets(login: Login, read: ReadSecretFile): Promise<readonly string[]> {
  const texts = await Promise.all(filesOf(login).map(file => read(file).catch(() => '')))
  return [...valuesOf(login), ...texts.map(text => text.trim())].filter(text => text !== '')
}

function valuesOf(login: Login): readonly string[] {
  return 'secret' in login && login.secret && 'value' in login.secret ? [login.secret.value] : []
}

function filesOf(login: Login): readonly string[] {
  const secret = 'secret' in login && login.secret && 'file' in login.secret ? [login.secret.file] : []
  const key = 'keyFile' in login ? [login.keyFile] : []
  return 'passwordFile' in login ? [...secret, login.passwordFile] : [...secret, ...key]
}
