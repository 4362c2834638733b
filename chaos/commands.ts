import { z } from 'zod'
import type { CallerDeps } from './callers.ts'
import { every } from './every.ts'
import { type CommandOptions, type EndedCommand, runCommand } from './run-command.ts'

/** Runs an operator's commands until it is disposed, each in its own process: foreground runs and `enqueue --wait`. */
export function startCommands(deps: CallerDeps): AsyncDisposable {
  const { random } = deps
  return every(
    () => random.between(2_000, 15_000),
    signal => (random.next() < 0.6 ? runInForeground(deps, signal) : enqueueAndWait(deps, signal)),
  )
}

/** Milliseconds after which a command counts as hanging, whatever is down. */
const endsWithinMs = 180_000

async function runInForeground(deps: CallerDeps, signal: AbortSignal): Promise<void> {
  const { random, world, guards } = deps
  const payload = { entry: `foreground-${crypto.randomUUID()}`, pauseMs: random.between(0, 2_000), restMs: 0 }
  const words = ['run', 'ledger', '--account', random.pick(world.accountNames), '--payload', JSON.stringify(payload)]
  // Some are killed midway: their reserved requests must end too.
  const killAfterMs = random.next() < 0.25 ? random.between(300, 3_000) : undefined
  const askedAt = Date.now()
  const ended = await command(deps, words, { killAfterMs, signal })
  guards.add(`run in the foreground: ${ended.outcome}`)
  if (ended.outcome === 'done') deps.foreground.push({ entry: payload.entry, askedAt, toldAt: Date.now() })
}

const reportSchema = z.object({ id: z.string() })

async function enqueueAndWait(deps: CallerDeps, signal: AbortSignal): Promise<void> {
  const { random, world, accepted, guards } = deps
  const wish = {
    account: random.pick(world.accountNames),
    job: 'other',
    payload: { entry: crypto.randomUUID(), pauseMs: random.between(0, 500), restMs: 0 },
  }
  const words = ['enqueue', wish.job, '--account', wish.account, '--payload', JSON.stringify(wish.payload)]
  const askedAt = Date.now()
  const ended = await command(deps, [...words, '--wait', '--timeout', '60', '--json'], { signal })
  guards.add(`enqueue --wait: ${ended.outcome}`)
  if (ended.outcome !== 'done') return
  const { id } = reportSchema.parse(JSON.parse(ended.out))
  accepted.push({ ...wish, id, key: undefined, door: 'command', askedAt, toldAt: Date.now() })
}

async function command(
  { world, random, workers, bound, violate }: CallerDeps,
  words: readonly string[],
  options: Pick<CommandOptions, 'killAfterMs' | 'signal'>,
): Promise<EndedCommand> {
  const withinMs = bound(endsWithinMs)
  const ended = await runCommand(world, words, {
    ...options,
    variables: random.pick(workers.all).variables(),
    withinMs,
  })
  const { outcome, code, err } = ended
  const [name] = words
  if (outcome === 'hung')
    violate('a command ends', `"${name}" had not ended after ${withinMs} ms; its last output: ${err.slice(-300)}`)
  if (outcome === 'told' && err.trim() === '')
    violate('a command ends', `"${name}" ended with ${code} and without a message`)
  return ended
}
