import { commandOf, type PackageManager } from '../init/package-manager.ts'
import type { LiveTerminal } from './command.ts'

/**
 * A terminal that tells commands as the project's package manager runs them. Messages are written for npm, which refuses a project whose
 * `devEngines` names another one.
 *
 * @param isJson whether `out` is a document for programs, which stays as it is
 */
export function spellCommands(terminal: LiveTerminal, manager: PackageManager, isJson: boolean): LiveTerminal {
  if (manager === 'npm') return terminal
  const spell = (text: string) =>
    text
      .replaceAll(commandOf('npm'), commandOf(manager))
      .replaceAll(/"npm (?=run |start")/g, `"${manager} `)
      .replaceAll('"npm install --include=dev"', `"${manager} install"`)
      .replaceAll('run "npm install ', `run "${manager} add `)
  return {
    ...terminal,
    out: isJson ? terminal.out : text => terminal.out(spell(text)),
    err: text => terminal.err(spell(text)),
  }
}
