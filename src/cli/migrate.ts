import { UsageError } from '../errors.ts'
import { renderMigrations } from '../store/render-migrations.ts'
import { defineCommand, type Terminal } from './command.ts'
import { flag, textOption } from './options.ts'

export const migrate = defineCommand({
  name: 'migrate',
  summary: "applies the store's migrations (also done at start), or prints them for an administrator to run",
  arguments: {},
  options: {
    print: flag('writes the SQL to stdout and changes nothing; needs neither a database nor a configuration'),
    grantTo: textOption('ROLE', 'with --print: also what this role needs to run the worker, and nothing more'),
  },
  async run(values, { terminal, withOperations }) {
    if (isPrinted(values, terminal)) return 0
    // Opening the store is what migrates it, here or in the process that owns it.
    await withOperations(operations => operations.ping())
    terminal.out('The store is up to date.\n')
    return 0
  },
  onConfigError(error, values, terminal) {
    if (isPrinted(values, terminal)) return 0
    throw error
  },
})

/** @throws UsageError */
function isPrinted(
  { print, grantTo }: { readonly print: boolean; readonly grantTo?: string | undefined },
  terminal: Terminal,
): boolean {
  if (print) terminal.out(renderMigrations(grantTo))
  else if (grantTo !== undefined) {
    throw new UsageError({
      found: '--grant-to is given without --print',
      remedy: 'give both, and run the SQL as an administrator',
    })
  }
  return print
}
