import { execFileSync } from 'node:child_process'
import { findServer } from './find-server.ts'

const path = findServer('promtool')

/** Prometheus' own checker evaluates the alert rules; without it, their syntax alone is tested. */
export const hasPromtool = path !== undefined

export function runPromtool(args: readonly string[], input = ''): void {
  if (!path) throw new Error('There is no promtool in PATH; look at hasPromtool first')
  execFileSync(path, args, { input, encoding: 'utf8' })
}
