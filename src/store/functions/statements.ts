import { acceptFunction, addRequestsFunction, addTraceFunction, rankOffsetFunction, requestFunction } from './accept.ts'
import {
  endStepFunction,
  failWaitingFunction,
  mayTickFunction,
  nextStepFunction,
  waitsForStepFunction,
} from './bootstrap.ts'
import { cancelFunction, successorFunction } from './cancel.ts'
import { claimLinesFunction, freeSlotFunction } from './claim-lines.ts'
import { endRunsFunction, putBackFunction, waitingLinesFunction } from './end-runs.ts'
import { holdsOfFunction, liftHoldsFunction, placeHoldFunction, takeProbeFunction } from './holds.ts'
import {
  countInterruptionsFunction,
  endInterruptedFunction,
  interruptionFunction,
  interruptionPauseFunction,
} from './interruptions.ts'
import { leaseOriginFunction } from './lease-origin.ts'
import { livingLinesFunction, livingProcessesFunction } from './living.ts'
import { beatFunction, lookFunction, readyLinesFunction, reapFunction } from './look.ts'
import { tickFunction } from './tick.ts'

const functions: readonly string[] = [
  leaseOriginFunction,
  rankOffsetFunction,
  addTraceFunction,
  successorFunction,
  livingProcessesFunction,
  livingLinesFunction,
  holdsOfFunction,
  placeHoldFunction,
  takeProbeFunction,
  liftHoldsFunction,
  addRequestsFunction,
  acceptFunction,
  waitsForStepFunction,
  failWaitingFunction,
  nextStepFunction,
  endStepFunction,
  putBackFunction,
  waitingLinesFunction,
  freeSlotFunction,
  claimLinesFunction,
  countInterruptionsFunction,
  interruptionPauseFunction,
  interruptionFunction,
  endRunsFunction,
  endInterruptedFunction,
  reapFunction,
  mayTickFunction,
  readyLinesFunction,
  beatFunction,
  lookFunction,
  tickFunction,
  cancelFunction,
  requestFunction,
]

const names = functions.flatMap(statement => /function worker\.(\w+)/.exec(statement)?.[1] ?? [])

/**
 * A function that users call is replaced, so that grants on it stay. The others may change their signature. Functions that somebody
 * else has added to the schema stay.
 */
const dropOthers = `
do $$
declare
  v_function regprocedure;
begin
  for v_function in
    select p.oid from pg_catalog.pg_proc p where p.pronamespace = 'worker'::regnamespace and p.proname <> 'request'
      and p.proname in (${names.map(name => `'${name}'`).join(', ')})
  loop
    execute 'drop function ' || v_function;
  end loop;
end $$`

/**
 * Replaces the functions of a database with the current ones. Functions have no history: the latest migration that concerns them
 * runs this, and earlier migrations leave them out.
 */
export const replaceFunctions: readonly string[] = [
  dropOthers,
  ...functions,
  'revoke execute on function worker.request from public',
]
