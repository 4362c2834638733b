import { isOfLine, type LineName, type RequestRow, type StoreRows } from './state.ts'

/*
 * What the store's functions have to answer, said a second time and in other words: in TypeScript, over all rows, without locks.
 */

export type Verdict = 'run' | 'gone' | 'busy' | 'reserved' | 'empty' | 'held' | 'full' | 'unknown-process'

export function isAlive(rows: StoreRows, process: string | null): boolean {
  return rows.processes.some(({ id, alive }) => id === process && alive)
}

/** The requests of a line that may run now, in their order. */
function readyOf(rows: StoreRows, line: LineName): RequestRow[] {
  return rows.requests
    .filter(row => isOfLine(line)(row) && row.state === 'waiting' && row.due === 'ready')
    .toSorted((a, b) => a.place - b.place)
}

export function holdsOf(rows: StoreRows, { account, job }: LineName) {
  return rows.holds.filter(hold => hold.account === account && (hold.job === '' || hold.job === job))
}

function isHeld(rows: StoreRows, line: LineName): boolean {
  return holdsOf(rows, line).some(hold => hold.probe === 'later')
}

function usedSlots(rows: StoreRows, account: string): number {
  return rows.leases.filter(lease => lease.account === account).length
}

/** What a claim of the line gets, and which request. */
export function expectClaim(
  rows: StoreRows,
  line: LineName,
  {
    process,
    slots,
    reserved,
  }: { readonly process: string; readonly slots: number; readonly reserved?: string | undefined },
): { readonly verdict: Verdict; readonly request?: RequestRow } {
  if (!isAlive(rows, process)) return { verdict: 'unknown-process' }
  if (rows.leases.some(isOfLine(line))) return { verdict: 'busy' }
  const waits = rows.requests.some(row => row.id === reserved && row.state === 'waiting')
  if (reserved !== undefined && !waits) return { verdict: 'gone' }
  const [first] = readyOf(rows, line)
  if (!first) return { verdict: 'empty' }
  if (reserved === undefined ? first.reserved !== null : first.id !== reserved) return { verdict: 'reserved' }
  if (reserved === undefined && isHeld(rows, line)) return { verdict: 'held' }
  if (usedSlots(rows, line.account) >= slots) return { verdict: 'full' }
  return { verdict: 'run', request: first }
}

/** The lines that a look tells of: those whose claim would get something, and of an account as many as it has free slots. */
export function expectWakes(rows: StoreRows, lines: readonly LineName[], slots: number): string[] {
  const free = lines.filter(line => {
    const [first] = readyOf(rows, line)
    return first && first.reserved === null && !rows.leases.some(isOfLine(line)) && !isHeld(rows, line)
  })
  const inOrder = free.toSorted((a, b) => (readyOf(rows, a)[0]?.place ?? 0) - (readyOf(rows, b)[0]?.place ?? 0))
  return inOrder
    .filter(line => {
      const before = inOrder.slice(0, inOrder.indexOf(line)).filter(other => other.account === line.account)
      return before.length < slots - usedSlots(rows, line.account)
    })
    .map(nameOf)
    .toSorted()
}

/** Whether an account has a free line with work: then the end of one of its runs has to wake one. */
export function hasFreeWork(rows: StoreRows, account: string): boolean {
  return rows.requests.some(
    row =>
      row.account === account &&
      row.state === 'waiting' &&
      row.due === 'ready' &&
      !rows.leases.some(isOfLine(row)) &&
      !isHeld(rows, row),
  )
}

export const nameOf = ({ account, job }: LineName) => `${account}/${job}`
