import { readFile } from 'node:fs/promises'
import { ConfigError } from '../errors.ts'
import { explainFileFailure } from '../failures/file-failure.ts'

/**
 * Reads and parses `ACCOUNTS_FILE`.
 *
 * @throws ConfigError with the path, and without any part of the content
 */
export async function loadAccountsFile(path: string): Promise<unknown> {
  const { parseAccounts } = await import('./parse-accounts.ts')
  let content: string
  try {
    content = await readFile(path, 'utf8')
  } catch (error) {
    const what = `ACCOUNTS_FILE ${path} can't be read`
    throw new ConfigError([
      explainFileFailure(what, error) ?? { found: what, remedy: 'check the path and its permissions' },
    ])
  }
  return parseAccounts(content, path)
}
