import { acceptFunction, rankOffsetFunction, requestFunction } from './accept.ts'
import { cancelFunction, successorFunction } from './cancel.ts'
import { claimFunction, noClaimFunction } from './claim.ts'
import {
  endRunFunction,
  finishRequestFunction,
  nextStepFunction,
  putBackFunction,
  waitingLinesFunction,
} from './end-run.ts'
import {
  beatFunction,
  interruptionFunction,
  lookFunction,
  mayTickFunction,
  readyLinesFunction,
  reapFunction,
} from './look.ts'
import { liftHoldsFunction, placeHoldFunction } from './place-hold.ts'
import { requestTables } from './tables.ts'
import { tickFunction } from './tick.ts'

/** The statements that bring requests, runs and leases into the store: their tables, and the functions that change them. */
export const requestStatements: readonly string[] = [
  ...requestTables,
  rankOffsetFunction,
  successorFunction,
  placeHoldFunction,
  liftHoldsFunction,
  acceptFunction,
  nextStepFunction,
  finishRequestFunction,
  putBackFunction,
  waitingLinesFunction,
  endRunFunction,
  noClaimFunction,
  claimFunction,
  interruptionFunction,
  reapFunction,
  mayTickFunction,
  readyLinesFunction,
  beatFunction,
  lookFunction,
  tickFunction,
  cancelFunction,
  requestFunction,
  'revoke execute on function worker.request from public',
]
