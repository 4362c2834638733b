import type { ClaimedRun } from '../../../src/runs/claim-run.ts'
import type { EndedRun } from '../../../src/runs/end-run.ts'
import type { acceptRequest } from '../../../src/runs/requests.ts'
import type { NoClaim, RequestState } from '../../../src/states.ts'
import type { ModelStore } from './model-store.ts'
import type { LineName } from './state.ts'

/** The calls of the store's functions, each kind with what it answers. */
export type Asks = ReturnType<typeof createAsks>

export function createAsks(model: ModelStore) {
  return {
    accept: model.asks<Awaited<ReturnType<typeof acceptRequest>>>(),
    reserve: model.asks<string>(),
    cancel: model.asks<RequestState | undefined>(),
    beat: model.asks<readonly { readonly kind: string; readonly run_id: string | null }[]>(),
    look: model.asks<readonly LookRow[]>(),
    claim: model.asks<ClaimedRun | NoClaim>(),
    end: model.asks<EndedRun | undefined>(),
    tick: model.asks<void>(),
    lift: model.asks<boolean>(),
    write: model.asks<boolean>(),
  }
}

export interface LookRow extends LineName {
  readonly kind: string
  readonly due_at: Date | null
}

/** Of a process or run that there was none of before: how it stands is told by where it stands. */
export const newId = 'ffffffff-ffff-4fff-8fff-ffffffffffff'
/** Of the run that is to follow one that ends. */
export const nextId = 'eeeeeeee-eeee-4eee-8eee-eeeeeeeeeeee'
