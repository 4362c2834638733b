import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { z } from 'zod'
import { mainPath } from '../test/fixtures/wiki-project.ts'
import type { CallerDeps } from './callers.ts'
import { every } from './every.ts'

/** Commands of an operator, each a process of its own, until it is disposed: runs in the foreground, and requests waited for. */
export function startCommands(deps: CallerDeps): AsyncDisposable {
  const { random } = deps
  return every(
    () => random.between(2_000, 15_000),
    signal => (random.next() < 0.6 ? runInForeground(deps, signal) : enqueueAndWait(deps, signal)),
  )
}

/** A command that says nothing for so long hangs, whatever is away. */
const endsWithinMs = 180_000

async function runInForeground(deps: CallerDeps, signal: AbortSignal): Promise<void> {
  const { random, world, guards } = deps
  const payload = { entry: `foreground-${crypto.randomUUID()}`, pauseMs: random.between(0, 2_000), restMs: 0 }
  const words = ['run', 'ledger', '--account', random.pick(world.accountNames), '--payload', JSON.stringify(payload)]
  // Some are killed in the middle: what they had reserved ends with them.
  const killAfterMs = random.next() < 0.25 ? random.between(300, 3_000) : undefined
  const ended = await command(deps, words, { killAfterMs, signal })
  guards.add(`run in the foreground: ${ended.outcome}`)
  if (ended.outcome === 'done') deps.foreground.push(payload.entry)
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
  accepted.push({ ...wish, id: reportSchema.parse(JSON.parse(ended.out)).id, key: undefined, door: 'command', askedAt })
}

async function command(
  deps: CallerDeps,
  words: readonly string[],
  { killAfterMs, signal }: { readonly killAfterMs?: number | undefined; readonly signal: AbortSignal },
): Promise<{ readonly outcome: 'done' | 'killed' | 'told' | 'hung'; readonly out: string }> {
  const { world, random, workers, bound, violate } = deps
  const child = spawn(process.execPath, [mainPath, ...words], {
    cwd: world.project,
    env: {
      PATH: process.env.PATH,
      ...world.environment,
      LOG_LEVEL: 'warn',
      ...random.pick(workers.all).variables(),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const kill = (): void => void child.kill('SIGKILL')
  signal.addEventListener('abort', kill)
  const killing = killAfterMs === undefined ? undefined : setTimeout(kill, killAfterMs)
  let hasHung = false
  const patience = setTimeout(() => {
    hasHung = true
    kill()
  }, bound(endsWithinMs))
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  signal.removeEventListener('abort', kill)
  clearTimeout(killing)
  clearTimeout(patience)
  if (hasHung) {
    violate(
      'a command ends',
      `"${words[0]}" had not ended after ${bound(endsWithinMs)} ms; its last words: ${err.slice(-300)}`,
    )
    return { outcome: 'hung', out }
  }
  if (child.signalCode !== null) return { outcome: 'killed', out }
  if (child.exitCode === 0) return { outcome: 'done', out }
  if (err.trim() === '') violate('a command ends', `"${words[0]}" ended with ${child.exitCode} and without a word`)
  return { outcome: 'told', out }
}
