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
import { rows } from './rows.ts'
import { run } from './run.ts'
import { schemaCheck, schemaOperations, schemaPull } from './schema.ts'
import { worker } from './worker.ts'

/** In the order in which the help lists them. */
export const commands: readonly Command[] = [
  worker,
  run,
  enqueue,
  bootstrap,
  doctor,
  jobs,
  accounts,
  runs,
  holds,
  rows,
  reset,
  forget,
  schemaPull,
  schemaCheck,
  schemaOperations,
  add,
  provision,
  migrate,
]

/** What the commands of two words have in common. */
export const commandGroups = { schema: 'the SDL of each role' } as const
