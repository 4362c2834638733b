import type { ChaosReport } from './run-chaos.ts'

/** Guards that fire on every backend. */
const onAnyStore = [
  'claim-busy',
  'claim-full',
  'claim-held',
  'duplicate absorbed',
  'key conflict',
  'key repeated',
  'reaped',
  'tick absorbed',
  'waits again',
] as const

/** Guards that need several processes. */
const onPostgres = [
  ...onAnyStore,
  'claim-empty',
  'end-refused',
  'fenced-write',
  'lost claim put back',
  'superseded',
  'tick counted as missed',
] as const

/** In a run that is long enough, each of these must fire: a guard that never fires proves nothing. */
const requiredGuards = {
  redis: [...onPostgres, 'ticket-refused', 'ticket-unserved'],
  postgres: onPostgres,
  embedded: onAnyStore,
} as const

/** Seconds; a shorter run can't expect the rare ones. */
const longEnough = 120
/** Seconds per required firing of a guard: ten in half an hour. */
const secondsForEach = 180

/** Guards that fired too rarely for a run of this length. */
export function findSilentGuards(
  report: ChaosReport,
  { backend, seconds }: { backend: keyof typeof requiredGuards; seconds: number },
): readonly { readonly guard: string; readonly times: number; readonly least: number }[] {
  if (seconds < longEnough) return []
  const least = Math.max(1, Math.floor(seconds / secondsForEach))
  return requiredGuards[backend]
    .map(guard => ({ guard, times: report.guards.get(guard), least }))
    .filter(({ times }) => times < least)
}

export function renderReport(report: ChaosReport): string {
  const { faults, guards, measured, accepted, commits, settledMs } = report
  const kinds = faults.entries()
  const table = (rows: readonly (readonly [string, number])[]): string =>
    rows.map(([name, times]) => `  ${name.padEnd(36)} ${String(times).padStart(6)}`).join('\n')
  return [
    `\nfaults (${kinds.length} kinds)\n${table(kinds)}`,
    `\nguards\n${table(guards.entries())}`,
    `\n${accepted} requests accepted, ${commits} runs committed; all had ended ${Math.round(settledMs / 1_000)} s after the last repair`,
    `ready answered within ${Math.round(measured.readyMs)} ms; one worker used at most ${Math.round(measured.memoryMegabytes)} MB and logged at most ${measured.warningsPerSecond.toFixed(1)} warnings a second; ${measured.checkpoints} checkpoints compared`,
  ].join('\n')
}
