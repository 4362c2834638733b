/** Log lines of this process's runs, in memory. */
export interface RunLog {
  /** JSON texts, the oldest first. */
  linesOf(runId: string): readonly string[]
  /** @param line as the log writes it; ignored if it isn't about a run */
  add(line: string): void
}

/** The latest runs whose lines are kept, and the latest lines of each. */
const mostRuns = 500
const mostLines = 200
/** Characters of a line. */
const longest = 2_000

export function createRunLog(): RunLog {
  const lines = new Map<string, string[]>()
  return {
    linesOf: runId => lines.get(runId) ?? [],
    add(line) {
      const runId = /"run":"([0-9a-f-]{36})"/.exec(line)?.[1]
      if (runId === undefined) return
      const own = lines.get(runId) ?? []
      lines.set(runId, own)
      own.push(line.trimEnd().slice(0, longest))
      if (own.length > mostLines) own.shift()
      const [oldest = ''] = lines.keys()
      if (lines.size > mostRuns) lines.delete(oldest)
    },
  }
}
