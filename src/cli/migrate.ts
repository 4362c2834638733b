import { UsageError } from '../errors.ts'
import { renderMigrations } from '../store/render-migrations.ts'
import { defineCommand, type Terminal } from './command.ts'
import { flag, textOption } from './options.ts'

export const migrate = defineCommand({
  name: 'migrate',
  summary: "apply the store's migrations (also done at start), or print them for an administrator to run",
  arguments: {},
  options: {
    print: flag('write the SQL to stdout and change nothing; needs neither a database nor a configuration'),
    grantTo: textOption('ROLE', 'with --print: also grant this role exactly what the worker needs'),
  },
  async run(values, { terminal, withOperations }) {
    if (isPrinted(values, terminal)) return 0
    // Opening the store migrates it, here or in the process that owns it.
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
      found: '--grant-to has no effect without --print',
      remedy: 'add --print, and run the SQL as an administrator',
    })
  }
  return print
}
