/** A run that this process has claimed, or is about to claim. */
export interface RunInHand extends Disposable {
  readonly runId: string
  /** Aborted when the run has lost its lease, when an operator cancels its request, and when the process can't be heard. */
  readonly signal: AbortSignal
}

/** The runs of this process, as far as the store need know them. */
export interface RunsInHand {
  ids(): readonly string[]
  /** Announces a run before its claim, so that nobody puts it back. */
  take(): RunInHand
  abort(runId: string, reason: Error): void
  /** Aborts all of them, and each that is taken in hand from now on; until `undefined` says that it is over. */
  silence(reason: Error | undefined): void
}

export function createRunsInHand(): RunsInHand {
  const controllers = new Map<string, AbortController>()
  let silenced: Error | undefined
  return {
    ids: () => [...controllers.keys()],
    take() {
      const runId = crypto.randomUUID()
      const controller = new AbortController()
      if (silenced) controller.abort(silenced)
      controllers.set(runId, controller)
      return { runId, signal: controller.signal, [Symbol.dispose]: () => void controllers.delete(runId) }
    },
    abort: (runId, reason) => controllers.get(runId)?.abort(reason),
    silence(reason) {
      silenced = reason
      if (reason) for (const controller of controllers.values()) controller.abort(reason)
    },
  }
}
