import { describeLogLine, type LogLine } from '../../../src/cli/log-line.ts'
import { findFreePort } from '../../services/free-port.ts'
import { type Caller, createCaller } from './caller.ts'
import { DemoError } from './demo-error.ts'
import { firstLogin } from './first-login-step.ts'
import { firstSyncs } from './first-syncs-step.ts'
import { holdAndMend } from './hold-step.ts'
import { keepRunning } from './keep-running.ts'
import { liveRow } from './live-step.ts'
import type { Narrator } from './narrator.ts'
import { onDemand } from './on-demand-step.ts'
import { openSandbox, type Sandbox } from './open-sandbox.ts'
import { showRows, showRuns } from './show-results.ts'
import { watchSandbox } from './watch-sandbox.ts'
import { startWorker, type WorkerProcess } from './worker-process.ts'

export interface DemoOptions {
  /** Whether to end after the last step, instead of running on. */
  readonly exit: boolean
  /** For its own test: the fault to cause. */
  readonly sabotage: 'secret' | 'worker' | undefined
}

/** Shared by all steps. */
export interface Stage {
  readonly sandbox: Sandbox
  readonly worker: WorkerProcess
  readonly caller: Caller
  readonly narrator: Narrator
  /** Aborted by Ctrl-C, by the deadline, and when the worker dies. */
  readonly signal: AbortSignal
}

const deadlineMs = 120_000

/** @throws DemoError naming the step that failed, the interruption's reason */
export async function runDemo(options: DemoOptions, narrator: Narrator, interrupted: AbortSignal): Promise<void> {
  narrator.heading('hasura-sync-worker, from the first login to a held request, on embedded parts')
  narrator.remark('It listens on this machine only, writes to one temporary folder, and leaves nothing behind.')
  narrator.say('sandbox', 'starts an identity provider like Keycloak and an API like Hasura …')
  const workerPort = await findFreePort()
  await using sandbox = await openSandbox({ workerPort, wrongSecret: options.sabotage === 'secret' })
  using _watch = watchSandbox(sandbox, narrator)
  narrator.say('sandbox', `identity provider  ${sandbox.identity.issuer}`)
  narrator.say('sandbox', `Hasura-shaped API  ${sandbox.hasura.url}`)

  const tellLine = (line: LogLine): void => {
    narrator.say('worker', describeLogLine(line))
  }
  const start = (): WorkerProcess => startWorker(sandbox.environment, tellLine, describeFailure)
  await using worker = start()
  const signal = AbortSignal.any([interrupted, AbortSignal.timeout(deadlineMs), worker.lost])
  const caller = createCaller(sandbox, `http://127.0.0.1:${workerPort}`)
  const stage: Stage = { sandbox, worker, caller, narrator, signal }
  await playSteps(
    stage,
    [
      { name: 'first login', play: firstLogin },
      ...(options.sabotage === 'worker' ? [{ name: 'sabotage', play: async () => worker.kill() }] : []),
      { name: 'first scheduled run and bootstrap', play: firstSyncs },
      { name: 'on-demand run over HTTP', play: onDemand },
      { name: 'a row mirrored as it is written', play: liveRow },
      { name: 'hold and its end', play: holdAndMend },
      { name: 'list of runs', play: showRuns },
      { name: 'mirrored rows', play: showRows },
    ],
    interrupted,
  )
  if (options.exit)
    narrator.block('\nTo look around with everything running: npm run demo. To write a job of your own: README.md')
  else await keepRunning(sandbox, start, narrator, interrupted)
}

interface Step {
  readonly name: string
  readonly play: (stage: Stage) => Promise<void>
}

async function playSteps(stage: Stage, steps: readonly Step[], interrupted: AbortSignal): Promise<void> {
  const { narrator, signal, worker } = stage
  const passed: string[] = []
  const tellVerdicts = (): void => {
    narrator.heading('Result')
    for (const name of passed) narrator.verdict(true, name)
  }
  for (const { name, play } of steps) {
    try {
      await play(stage)
      passed.push(name)
    } catch (error) {
      if (interrupted.aborted) throw error
      // Why the wait was aborted matters more than what it was for.
      const reason = explain(signal.aborted ? signal.reason : error)
      await worker.stop()
      tellVerdicts()
      narrator.verdict(false, `${name}: ${reason}`)
      narrator.heading("The worker's last log lines")
      narrator.block(worker.lastLines().join('\n'))
      throw new DemoError(`${name}: ${reason}`, { cause: error })
    }
  }
  tellVerdicts()
}

function explain(error: unknown): string {
  if (error instanceof DOMException && error.name === 'TimeoutError') {
    return `It did not finish within ${deadlineMs / 1000} s after the start.`
  }
  return Error.isError(error) ? error.message : String(error)
}

function describeFailure({ msg, job, error }: LogLine): string | undefined {
  const ending = /^run (refused|failed|interrupted)$/.exec(msg)?.[1]
  return ending && error ? `${job} was ${ending} (${error.code}): ${error.message}` : undefined
}
