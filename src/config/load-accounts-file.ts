import { readFile } from 'node:fs/promises'
import { ConfigError } from '../errors.ts'

/**
 * Reads and parses `ACCOUNTS_FILE`: YAML, which includes JSON.
 *
 * @throws ConfigError with the path, and without any part of the content
 */
export async function loadAccountsFile(path: string): Promise<unknown> {
  const { parse, YAMLParseError } = await import('yaml')
  let content: string
  try {
    content = await readFile(path, 'utf8')
  } catch {
    throw new ConfigError([
      { found: `ACCOUNTS_FILE ${path} can't be read`, remedy: 'check the path and its permissions' },
    ])
  }
  try {
    return parse(content, { logLevel: 'error' })
  } catch (error) {
    // The parser's message may quote the content, which may be a secret.
    const line = error instanceof YAMLParseError ? ` (${error.code} in line ${error.linePos?.[0].line ?? '?'})` : ''
    throw new ConfigError([
      { found: `ACCOUNTS_FILE ${path} is neither YAML nor JSON${line}`, remedy: 'correct the syntax' },
    ])
  }
}
