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
    if (values.print) return print(values.grantTo, terminal)
    requirePrint(values)
    // Opening the store is what migrates it, here or in the process that owns it.
    await withOperations(operations => operations.ping())
    terminal.out('The store is up to date.\n')
    return 0
  },
  onConfigError(error, values, terminal) {
    if (values.print) return print(values.grantTo, terminal)
    requirePrint(values)
    throw error
  },
})

function print(grantTo: string | undefined, terminal: Terminal): number {
  terminal.out(renderMigrations(grantTo))
  return 0
}

function requirePrint({ grantTo }: { readonly grantTo?: string | undefined }): void {
  if (grantTo === undefined) return
  throw new UsageError({
    found: '--grant-to is given without --print',
    remedy: 'give both, and run the SQL as an administrator',
  })
}
