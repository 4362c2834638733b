import { type Document, isAlias, isCollection, isMap, isScalar, isSeq, LineCounter, parseDocument, visit } from 'yaml'
import { ConfigError } from '../errors.ts'
import { findEncodingProblem } from './find-encoding-problem.ts'

/**
 * Parses the content of `ACCOUNTS_FILE`: YAML, which includes JSON.
 *
 * @throws ConfigError with the path, and without any part of the content
 */
export function parseAccounts(content: string, path: string): unknown {
  const encoding = findEncodingProblem(`ACCOUNTS_FILE ${path}`, content)
  if (encoding) throw new ConfigError([encoding])
  const lines = new LineCounter()
  // Merge keys (<<) are of YAML 1.1, but other tools with such files, such as Compose, know them.
  const document = parseDocument(content, { logLevel: 'error', lineCounter: lines, merge: true })
  const lineAt = (offset: number): number => lines.linePos(offset).line
  const [error] = [...document.errors, ...document.warnings.filter(({ code }) => meanings[code])]
  const unresolved = findUnresolvedAlias(document)
  // The value `*/5 * * * *` is also an error of syntax.
  if (unresolved !== undefined && (!error || lineAt(error.pos[0]) === lineAt(unresolved))) {
    throw new ConfigError([
      {
        found: `ACCOUNTS_FILE ${path} has a value in line ${lineAt(unresolved)} that begins with * and names no anchor that ends before it`,
        remedy: 'enclose the value in quotes, or define the anchor',
      },
    ])
  }
  if (error) {
    // The parser's message may quote the content, which may be a secret.
    const line = lineAt(error.pos[0])
    const known = meanings[error.code]
    if (known) throw new ConfigError([{ found: `ACCOUNTS_FILE ${path} ${known[0]} in line ${line}`, remedy: known[1] }])
    throw new ConfigError([
      {
        found: `ACCOUNTS_FILE ${path} is neither YAML nor JSON (${error.code} in line ${line})`,
        remedy: 'correct the syntax',
      },
    ])
  }
  keepNumbersOfSettings(document)
  try {
    // All aliases of an anchor are one object, so many of them need no memory.
    return document.toJS({ maxAliasCount: -1 })
  } catch {
    throw new ConfigError([
      {
        found: `ACCOUNTS_FILE ${path} merges (<<) something other than settings`,
        remedy: 'merge an anchor of settings, such as <<: *north',
      },
    ])
  }
}

/** Codes of the parser (yaml, docs/08_errors.md) for a file that is YAML and yet can't be used. */
const meanings: Readonly<Record<string, readonly [found: string, remedy: string]>> = {
  BAD_SCALAR_START: ['has a value that begins with a character that YAML reserves', 'enclose the value in quotes'],
  DUPLICATE_KEY: ['repeats a setting', 'remove one of the two'],
  MULTIPLE_DOCS: ['begins a second document', 'put all accounts into one list, without "---" between them'],
  TAG_RESOLVE_FAILED: [
    'has a tag, such as !env or !vault, that nothing resolves here,',
    'write the value itself, or name the file that holds it, as clientSecretFile does',
  ],
  TAB_AS_INDENT: ['is indented by a tab', 'indent by spaces'],
}

/** Also one within its own anchor, whose value would have no end. @returns where it begins */
function findUnresolvedAlias(document: Document.Parsed): number | undefined {
  const anchors = new Set<string>()
  let found: number | undefined
  visit(document, {
    Node(_key, node, ancestors) {
      if (!isAlias(node)) {
        if (node.anchor !== undefined) anchors.add(node.anchor)
        return undefined
      }
      const isWithin = ancestors.some(outer => isCollection(outer) && outer.anchor === node.source)
      if (anchors.has(node.source) && !isWithin) return undefined
      found = node.range?.[0]
      return visit.BREAK
    },
  })
  return found
}

/** Settings of jobs are texts: `0042` may be another tenant than `42`, and a number of 20 digits would lose the last ones. */
function keepNumbersOfSettings(document: Document.Parsed): void {
  const accounts = document.get('accounts')
  for (const account of isSeq(accounts) ? accounts.items : []) {
    if (isMap(account)) keepNumbers(account.get('settings'))
  }
}

function keepNumbers(settings: unknown): void {
  for (const { value } of isMap(settings) ? settings.items : []) {
    if (isScalar(value) && typeof value.value === 'number') value.value = value.source
    // What is merged.
    else keepNumbers(value)
  }
}
