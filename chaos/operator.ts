import { z } from 'zod'
import type { Scene } from './faults/fault-kind.ts'
import { runCommand } from './run-command.ts'

const holdsSchema = z.array(z.object({ account: z.string(), code: z.string() }))

const withinMs = 120_000

/**
 * Follows the remedy of `deletion-guard` holds.
 *
 * @returns whether none is left
 */
export async function allowHeldDeletions(scene: Scene, signal: AbortSignal): Promise<boolean> {
  const { guards } = scene
  const listed = await command(scene, ['holds', '--json'], signal)
  if (listed.outcome !== 'done') return false
  const held = holdsSchema.parse(JSON.parse(listed.out)).filter(({ code }) => code === 'deletion-guard')
  for (const { account } of held) {
    guards.add('deletion-guard')
    await command(scene, ['run', 'pull-articles', '--account', account, '--allow-deletions'], signal)
  }
  return held.length === 0
}

function command({ world, workers, bound }: Scene, words: readonly string[], signal: AbortSignal) {
  return runCommand(world, words, { variables: workers.get(0).variables(), withinMs: bound(withinMs), signal })
}
