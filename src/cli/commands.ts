import { add } from './add.ts'
import { bootstrap } from './bootstrap.ts'
import { cancel, retry } from './change-requests.ts'
import { changes } from './changes.ts'
import type { Command } from './command.ts'
import { doctor } from './doctor.ts'
import { enqueue } from './enqueue.ts'
import { forget } from './forget.ts'
import { holds, holdsProbe } from './holds.ts'
import { init } from './init.ts'
import { accounts, jobs, runs } from './lists.ts'
import { migrate } from './migrate.ts'
import { provision } from './provision.ts'
import { requests } from './requests.ts'
import { reset } from './reset.ts'
import { rows } from './rows.ts'
import { run } from './run.ts'
import { schedules, schedulesPause, schedulesResume } from './schedules.ts'
import { schemaCheck, schemaOperations, schemaPull } from './schema.ts'
import { worker } from './worker.ts'

/** In the order of the help. */
export const commands: readonly Command[] = [
  init,
  worker,
  run,
  enqueue,
  bootstrap,
  requests,
  cancel,
  retry,
  doctor,
  jobs,
  accounts,
  runs,
  holds,
  holdsProbe,
  schedules,
  schedulesPause,
  schedulesResume,
  rows,
  changes,
  reset,
  forget,
  schemaPull,
  schemaCheck,
  schemaOperations,
  add,
  provision,
  migrate,
]

/** Summaries of the groups of two-word commands. */
export const commandGroups = { schema: 'pull and check the SDL of each role' } as const
