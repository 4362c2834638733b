import { add } from './add.ts'
import { bootstrap } from './bootstrap.ts'
import type { Command } from './command.ts'
import { doctor } from './doctor.ts'
import { enqueue } from './enqueue.ts'
import { forget } from './forget.ts'
import { accounts, holds, jobs, runs } from './lists.ts'
import { migrate } from './migrate.ts'
import { provision } from './provision.ts'
import { reset } from './reset.ts'
import { run } from './run.ts'
import { schema } from './schema.ts'
import { worker } from './worker.ts'

/** By the word that calls them. */
export const commands: Readonly<Record<string, Command>> = {
  worker,
  run,
  enqueue,
  bootstrap,
  doctor,
  jobs,
  accounts,
  runs,
  holds,
  reset,
  forget,
  schema,
  add,
  provision,
  migrate,
}
