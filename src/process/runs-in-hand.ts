/** A run that this process has claimed, or is about to claim. */
export interface RunInHand extends Disposable {
  readonly runId: string
  /** Aborted when the run loses its lease, when an operator cancels its request, or when this process isn't heard. */
  readonly signal: AbortSignal
  /** Its claim has been answered: if the store doesn't know the run, it has lost its lease. */
  begin(): void
}

/** The runs of this process that the store must know about. */
export interface RunsInHand {
  ids(): readonly string[]
  /** Without those whose claim may not have been made yet. */
  begunIds(): readonly string[]
  /** Announces a run before its claim, so that nobody puts it back. */
  take(): RunInHand
  abort(runId: string, reason: Error): void
  /** Aborts all of them, and each later one, until it is called with `undefined`. */
  silence(reason: Error | undefined): void
}

export function createRunsInHand(): RunsInHand {
  const hands = new Map<string, { readonly controller: AbortController; hasBegun: boolean }>()
  let silenced: Error | undefined
  return {
    ids: () => [...hands.keys()],
    begunIds: () => [...hands].flatMap(([runId, { hasBegun }]) => (hasBegun ? [runId] : [])),
    take() {
      const runId = crypto.randomUUID()
      const controller = new AbortController()
      if (silenced) controller.abort(silenced)
      const hand = { controller, hasBegun: false }
      hands.set(runId, hand)
      return {
        runId,
        signal: controller.signal,
        begin() {
          hand.hasBegun = true
        },
        [Symbol.dispose]: () => void hands.delete(runId),
      }
    },
    abort: (runId, reason) => hands.get(runId)?.controller.abort(reason),
    silence(reason) {
      silenced = reason
      if (reason) for (const { controller } of hands.values()) controller.abort(reason)
    },
  }
}
