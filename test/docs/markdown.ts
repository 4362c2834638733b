import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export const projectFolder = join(import.meta.dirname, '../..')

/** What a reader is told; everything in it is held against the code. */
export const documents = [
  'README.md',
  'docs/getting-started.md',
  'docs/pulls.md',
  'docs/commands.md',
  'docs/configuration.md',
  'docs/authentication.md',
  'docs/writing-a-job.md',
  'docs/operations.md',
  'docs/deployment.md',
  'docs/http-api.md',
  'docs/integrating.md',
  'docs/architecture.md',
  'docs/state-machine.md',
  'docs/decisions/README.md',
  'docs/guarantees.md',
  'docs/performance.md',
  'docs/security.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
] as const

export interface CodeBlock {
  readonly language: string
  readonly code: string
  /** The paragraph before it, which names the file that it is. */
  readonly before: string
}

export function readDocument(path: string): string {
  return readFileSync(join(projectFolder, path), 'utf8')
}

export function findCodeBlocks(text: string): CodeBlock[] {
  return [...text.matchAll(/(?:^|\n)((?:(?!```).*\n)*?)```(\w*)\n([\s\S]*?)```/g)].map(
    ([, before = '', language = '', code = '']) => ({
      language,
      code,
      before: before.trim().split('\n\n').at(-1) ?? '',
    }),
  )
}

/** The part below a heading, up to the next one of its level. */
export function findSection(text: string, heading: string): string {
  const section = text.split(/^## /m).find(part => part.startsWith(`${heading}\n`))
  if (section === undefined) throw new Error(`There is no section "${heading}"`)
  return section
}

/** The commands in the shell blocks, without what is set up around them. */
export function findCommands(text: string): string[] {
  return findCodeBlocks(text)
    .filter(block => block.language === 'sh')
    .flatMap(block => block.code.replaceAll(/\\\n\s*/g, '').split('\n'))
    .flatMap(line => line.split(/&&|;/))
    .map(command => command.trim())
    .filter(command => command !== '' && !command.startsWith('#'))
}

/** As a shell splits it: what stands between single quotes is one word. */
export function wordsOf(command: string): string[] {
  return [...command.matchAll(/(?:[^\s']|'[^']*')+/g)].map(([word]) => word.replaceAll("'", ''))
}

export function findLinks(text: string): string[] {
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = '']) => target)
    .filter(target => !/^https?:/.test(target))
}
