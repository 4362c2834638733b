import { join } from 'node:path'

/** Tells what Node prints of a syntax error, file, line and code among it; undefined when that can't be had. */
export type LocateSyntaxError = () => Promise<string | undefined>

/**
 * What Node has against a module that can't be linked: a file or package that isn't there, a missing export, a syntax error.
 *
 * @param folder the project's
 * @returns undefined for what the module itself threw
 */
export async function explainImport(
  error: unknown,
  folder: string,
  locate: LocateSyntaxError,
): Promise<string | undefined> {
  const shorten = (text: string): string => relativeTo(folder, text)
  if (!(error instanceof Error) || !isOfLoader(error)) return undefined
  if ('code' in error && error.code === 'ERR_MODULE_NOT_FOUND') return explainMissing(error.message, shorten)
  if (!(error instanceof SyntaxError)) return `${shorten(error.message)}.`
  const told = (error.stack ?? '').split(/\n\s+at /)[0] ?? ''
  // V8 keeps the place of some syntax errors to itself, and prints it only when nobody catches them.
  const placed = /^(?:file:|\/)/.test(told) ? told : ((await locate()) ?? told)
  return `${shorten(placed)}${adviceFor(error.message)}`
}

/** What a module throws while it runs has a place of its own before those of the loader. */
function isOfLoader({ stack = '' }: Error): boolean {
  const frames = stack.match(/^\s+at .*$/gm) ?? []
  return frames.find(frame => !frame.endsWith('(<anonymous>)'))?.includes('node:internal/modules/') ?? false
}

function explainMissing(message: string, shorten: (text: string) => string): string {
  const [, kind, name = '', importer = ''] =
    /^Cannot find (module|package) '(.+?)' imported from ([^\n]+)/.exec(message) ?? []
  if (kind === undefined) return shorten(message)
  const file = shorten(importer)
  if (kind === 'package') {
    return `${file} imports the package "${name}", which is not installed: install it with "npm install ${name}", or correct the import.`
  }
  const missing = shorten(name)
  const ending = /\.\w+$/.test(missing) ? '' : ', which has to end with the file\'s ".ts"'
  const remedy = missing.startsWith('src/generated/') ? codegen : `add that file, or correct the import${ending}`
  return `${file} imports ${missing}, which does not exist: ${remedy}.`
}

const codegen = 'run "npm run codegen", which writes it from graphql/*.graphql'

function adviceFor(message: string): string {
  if (!/^The requested module '.*generated\/[^']*' does not provide an export/.test(message)) return ''
  return `\nWhat codegen wrote is older than this import, or the operation has another name: ${codegen}.`
}

/** Paths of the project as its author knows them. */
function relativeTo(folder: string, text: string): string {
  return text.replaceAll('file://', '').replaceAll(join(folder, '/'), '').trim()
}
