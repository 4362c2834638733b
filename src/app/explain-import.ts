import { existsSync } from 'node:fs'
import { extname, join } from 'node:path'
import { isError } from '../errors.ts'
import { explainUnreadable, isThere } from './explain-unreadable.ts'

/** Returns what Node prints for a syntax error, including file, line and code; undefined if it can't be determined. */
export type LocateSyntaxError = () => Promise<string | undefined>

/**
 * Why Node can't link a module: a missing file, package or export, or a syntax error.
 *
 * @param folder of the project
 * @returns undefined if the module itself threw the error
 */
export async function explainImport(
  error: unknown,
  folder: string,
  locate: LocateSyntaxError,
): Promise<string | undefined> {
  const shorten = (text: string): string => relativeTo(folder, text)
  if (!isError(error) || !isOfLoader(error)) return undefined
  const unreadable = explainUnreadable(error, shorten)
  if (unreadable !== undefined) return unreadable
  if ('code' in error && error.code === 'ERR_MODULE_NOT_FOUND') return explainMissing(error.message, folder, shorten)
  if ('code' in error && error.code === 'ERR_UNKNOWN_FILE_EXTENSION') return explainExtension(shorten(error.message))
  if (!(error instanceof SyntaxError)) return explainOther(error, shorten(error.message))
  const told = (error.stack ?? '').split(/\n\s+at /)[0] ?? ''
  // V8 reports the location of some syntax errors only if nobody catches them.
  const placed = /^(?:file:|\/)/.test(told) ? told : ((await locate()) ?? told)
  return `${shorten(placed)}${adviceFor(error.message, placed)}`
}

/** The stack of an error thrown by a module starts outside Node's loader, which reads files as modules do. */
function isOfLoader({ stack }: Error): boolean {
  const frames = (typeof stack === 'string' && stack.match(/^\s+at .*$/gm)) || []
  return frames.find(frame => !passedOver.test(frame))?.includes('node:internal/modules/') ?? false
}

const passedOver = /\(<anonymous>\)$|\(node:(?:internal\/)?fs[:/]/

function explainMissing(message: string, folder: string, shorten: (text: string) => string): string {
  const [, kind, name = '', importer = ''] =
    /^Cannot find (module|package) '(.+?)' imported from ([^\n]+)/.exec(message) ?? []
  if (kind === undefined) return shorten(message)
  const file = shorten(importer)
  if (kind === 'package') return `${file} imports ${explainPackage(name, folder)}.`
  const missing = shorten(name)
  try {
    isThere(name)
  } catch (error) {
    return `${file} imports ${missing}. ${explainUnreadable(error, shorten) ?? ''}`
  }
  return `${file} imports ${missing}, which does not exist: ${adviceForMissing(name, missing)}.`
}

/** @param missing the file's path in the project */
function adviceForMissing(name: string, missing: string): string {
  const meant = [name.replace(/\.([cm]?)js$/, '.$1ts'), `${name}.ts`].find(path => path !== name && existsSync(path))
  if (meant !== undefined)
    return `end the path with "${extname(meant)}", because Node takes the ending as it is written`
  if (missing.startsWith('src/generated/')) return codegen
  return `add this file, or correct the import${extname(missing) === '' ? ', which must end with ".ts"' : ''}`
}

/** TypeScript may have found a file of the project under the name, by `paths` or `baseUrl`. */
function explainPackage(name: string, folder: string): string {
  const why = 'Node does not apply "paths" and "baseUrl" of tsconfig.json'
  const remedy =
    'import a relative path that ends with ".ts", or define names that begin with "#" in "imports" of package.json'
  if (/^(?:~|@\/)/.test(name)) return `"${name}", but ${why}: ${remedy}`
  const missing = `the package "${name}", which is not installed: run "npm install ${name}"`
  const own = [name, `${name}.ts`].flatMap(path => [join(folder, path), join(folder, 'src', path)])
  if (!own.some(path => existsSync(path))) return `${missing}, or correct the import`
  return `${missing}; or, if it is the project's own, ${remedy}, because ${why}`
}

function explainOther(error: Error, message: string): string {
  const remedy = 'code' in error && typeof error.code === 'string' ? remedies.get(error.code) : undefined
  return remedy === undefined ? `${message}.` : `${message.replace(/\.$/, '')}: ${remedy}.`
}

const remedies: ReadonlyMap<string, string> = new Map([
  ['ERR_UNSUPPORTED_DIR_IMPORT', 'import a file of the folder, such as its index.ts'],
  ['ERR_IMPORT_ATTRIBUTE_MISSING', "end the import with: with { type: 'json' }"],
  [
    'ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING',
    'compile the package to JavaScript, or link it, as workspaces do ("pnpm deploy" copies it)',
  ],
])

const codegen = 'run "npm run codegen", which generates it from graphql/*.graphql'

function explainExtension(message: string): string {
  const [, extension = ''] = /^Unknown file extension "(.*?)"/.exec(message) ?? []
  const [, remedy] = extensions.find(([pattern]) => pattern.test(extension)) ?? []
  return `${message}: ${remedy ?? 'read it with "readFile" of node:fs/promises, because Node imports only code and JSON'}.`
}

const extensions: readonly (readonly [extension: RegExp, remedy: string])[] = [
  [/^\.[cm]?ts$/, 'remove --no-strip-types and --no-experimental-strip-types from NODE_OPTIONS'],
  [/^\.[jt]sx$/, 'compile it to JavaScript and import that, because Node does not run JSX'],
  [/^\.(?:graphql|gql)$/, 'import its document from src/generated, because Node imports only code and JSON'],
]

/** @param placed file, code and a mark below the code, as Node prints them */
function adviceFor(message: string, placed: string): string {
  if (commonJs.test(message)) return '\nThe project is loaded as CommonJS: set "type": "module" in its package.json.'
  if (typescriptAlone.test(message)) {
    return '\nNode only removes types: write this as JavaScript, such as an object and "as const" for an enum.'
  }
  const [, code = '', mark = ''] = placed.split('\n')
  if (code[mark.indexOf('^')] === '@') return '\nNode does not run decorators: call the function instead.'
  const [, module = '', name = 'default'] = lacking.exec(message) ?? []
  if (name === 'default') return ''
  const type = `If ${name} is a type, write "type ${name}" there, because Node removes no other imports of types.`
  if (!/generated\/[^/]*$/.test(module)) return `\n${type}`
  const old = `The generated code is older than this import, or the operation has another name: ${codegen}.`
  return name.endsWith('Document') ? `\n${old}` : `\n${type}\n${old}`
}

const lacking = /^The requested module '(.*)' does not provide an export named '(.*)'/
const typescriptAlone = /is not supported in strip-only mode/
const commonJs = /^Cannot use import statement outside a module|^Unexpected token 'export'/

/** Paths relative to the project. */
export function relativeTo(folder: string, text: string): string {
  return text.replaceAll('file://', '').replaceAll(join(folder, '/'), '').trim()
}
