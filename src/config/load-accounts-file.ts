import { readFile } from 'node:fs/promises'
import { ConfigError } from '../errors.ts'
import { explainFileFailure } from '../failures/file-failure.ts'

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
  } catch (error) {
    const what = `ACCOUNTS_FILE ${path} can't be read`
    throw new ConfigError([
      explainFileFailure(what, error) ?? { found: what, remedy: 'check the path and its permissions' },
    ])
  }
  try {
    return parse(content, { logLevel: 'error' })
  } catch (error) {
    // The parser's message may quote the content, which may be a secret.
    const problem = error instanceof YAMLParseError ? error : undefined
    const line = problem?.linePos?.[0].line ?? '?'
    const known = problem && meanings[problem.code]
    if (known) throw new ConfigError([{ found: `ACCOUNTS_FILE ${path} ${known[0]} in line ${line}`, remedy: known[1] }])
    const where = problem ? ` (${problem.code} in line ${line})` : ''
    throw new ConfigError([
      { found: `ACCOUNTS_FILE ${path} is neither YAML nor JSON${where}`, remedy: 'correct the syntax' },
    ])
  }
}

/** Codes of the parser (yaml, docs/08_errors.md) for a file that is YAML and yet can't be used. */
const meanings: Readonly<Record<string, readonly [found: string, remedy: string]>> = {
  DUPLICATE_KEY: ['repeats a setting', 'remove one of the two'],
  MULTIPLE_DOCS: ['begins a second document', 'put all accounts into one list, without "---" between them'],
  TAB_AS_INDENT: ['is indented by a tab', 'indent by spaces'],
}
