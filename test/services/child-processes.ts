import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** The ids of a process's direct children. */
export function childProcesses(parent: number): number[] {
  try {
    return readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number)
  } catch {
    return childrenByPs(parent)
  }
}

/** Where there is no /proc; small Linux images in turn have no ps. */
function childrenByPs(parent: number): number[] {
  return execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' })
    .split('\n')
    .map(line => line.trim().split(/\s+/u).map(Number))
    .flatMap(([pid, ppid]) => (ppid === parent && pid !== undefined ? [pid] : []))
}
