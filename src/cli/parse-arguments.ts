import { Argument, CommanderError, Option, Command as Parser } from 'commander'
import { UsageError } from '../errors.ts'
import { findNearNames } from '../names/near-names.ts'
import { type Command, flagOf, type Given, kebabOf } from './command.ts'
import { wordsOf } from './options.ts'

/** What the command line requests: a command with its values, or only a text (the help, the version). */
export type Asked =
  | { readonly command: Command; readonly given: Given }
  | { readonly command?: undefined; readonly text: string }

export interface ProgramDescription {
  readonly commands: readonly Command[]
  /** Summaries of the groups of two-word commands, by their first word. */
  readonly groups: Readonly<Record<string, string>>
  readonly version: string
  /** For wrapping the help. */
  readonly columns: number
}

/** No command was given. */
export class MissingCommandError extends UsageError {
  /** The list of commands, one per line. */
  readonly help: string

  constructor(help: string) {
    super('No command was given')
    this.help = help
  }
}

/** @throws UsageError that suggests what may have been meant, and names the help */
export function parseArguments(program: ProgramDescription, argv: readonly string[]): Asked {
  let asked: Asked | undefined
  let text = ''
  const write = (more: string): void => {
    text += more
  }
  const parser = buildParser(program, found => {
    asked = found
  })
  for (const each of [parser, ...parser.commands, ...parser.commands.flatMap(({ commands }) => commands)]) {
    each.configureOutput({
      writeOut: write,
      writeErr: write,
      outputError: () => {},
      getOutHelpWidth: () => program.columns,
      getErrHelpWidth: () => program.columns,
    })
    each.exitOverride(error => {
      throw error.exitCode === 0 ? error : refuse(error, each, text)
    })
  }
  // pnpm passes on the -- of "pnpm run cli -- runs", and what follows one has no options.
  const own = argv[0] === '--' ? argv.slice(1) : argv
  try {
    parser.parse(readHelpWords(parser, own), { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError) return { text }
    throw error
  }
  if (!asked) throw new TypeError('the parser returned neither a command nor an error')
  return asked
}

/** "help A B" is "A B --help"; wrong words get the sentence that they get as a command. */
function readHelpWords(parser: Parser, words: readonly string[]): readonly string[] {
  const [first, ...named] = words
  if (first !== 'help' || named.length === 0) return words
  let found = parser
  for (const word of named) {
    // What follows a command is no name: it must not be run.
    if (found.commands.length === 0) break
    const next = found.commands.find(command => command.name() === word)
    if (!next) return word.startsWith('-') ? [...named, '--help'] : named
    found = next
  }
  return [...named, '--help']
}

function buildParser({ commands, groups, version }: ProgramDescription, onFound: (asked: Asked) => void): Parser {
  const parser = new Parser('hasura-sync-worker')
    .description('Runs typed GraphQL sync jobs against a Hasura API behind Keycloak.')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help; after a command, the help of that command')
    .helpCommand('help [command]', 'print the help of a command')
    .addHelpText('after', '\nExit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 refused by the gate.')
  const parents = new Map<string, Parser>()
  for (const command of commands) {
    const [first = '', second] = command.name.split(' ')
    if (second === undefined) {
      const added = parser.command(first)
      addCommand(added, command, onFound)
      parents.set(first, added)
      continue
    }
    const parent =
      parents.get(first) ??
      parser
        .command(first)
        .description(groups[first] ?? '')
        .helpCommand(false)
    parents.set(first, parent)
    addCommand(parent.command(second), command, onFound)
  }
  return parser
}

function addCommand(parser: Parser, command: Command, onFound: (asked: Asked) => void): void {
  parser.description(command.summary).helpOption('-h, --help', 'print this help')
  const names = Object.keys(command.arguments)
  for (const [name, schema] of Object.entries(command.arguments)) {
    const { text, isOptional } = wordsOf(schema)
    parser.addArgument(new Argument(isOptional ? `[${kebabOf(name)}]` : `<${kebabOf(name)}>`, text))
  }
  for (const [name, schema] of Object.entries(command.options)) {
    const { text, value, isRepeated } = wordsOf(schema)
    const option = new Option(value === undefined ? flagOf(name) : `${flagOf(name)} <${value}>`, text)
    if (isRepeated) option.argParser((more: string, before: string[] = []) => [...before, more])
    parser.addOption(option)
  }
  parser.action(() => {
    const given = Object.fromEntries(names.map((name, index) => [name, parser.args[index]]))
    // The group's own command has taken an option that both commands share.
    onFound({ command, given: { ...parser.optsWithGlobals(), ...given } })
  })
}

/** @param help the text to show when no command was given */
function refuse({ code, message }: CommanderError, parser: Parser, help: string): UsageError {
  if (code === 'commander.help') return new MissingCommandError(help)
  // "error: unknown option '--jsn'", and perhaps a line "(Did you mean --json?)"
  const [found = '', suggestion] = message.replace(/^error: /, '').split('\n')
  const meant =
    suggestion?.replace(/^\((.+)\)$/, '$1') ?? (code === 'commander.excessArguments' ? findMeant(parser) : undefined)
  const flag = /^error: unknown option '(--[^=]+)=/.exec(message)?.[1]
  if (code === 'commander.unknownOption' && parser.options.some(({ long }) => long === flag)) {
    return new UsageError({ found: `${flag} takes no value`, remedy: `give it as ${flag}, or leave it out` })
  }
  const words = parser.parent ? `${pathOf(parser)} --help` : '--help'
  return new UsageError({
    found: found.charAt(0).toUpperCase() + found.slice(1).replace(/\.$/, ''),
    remedy: meant
      ? meant.charAt(0).toLowerCase() + meant.slice(1)
      : `run "npm run -s cli -- ${words}" to see the usage`,
  })
}

/** An extra word may be a mistyped second word of a command. */
function findMeant(parser: Parser): string | undefined {
  const [word = ''] = parser.args
  const near = findNearNames(
    word,
    parser.commands.map(command => command.name()),
  )
  return near.length > 0 ? `did you mean ${near.map(name => `"${parser.name()} ${name}"`).join(' or ')}?` : undefined
}

function pathOf(parser: Parser): string {
  return parser.parent?.parent ? `${pathOf(parser.parent)} ${parser.name()}` : parser.name()
}
