import { z } from 'zod'
import { describeCounts } from '../../../src/cli/log-line.ts'
import { accountReportSchema } from '../../../src/operations/accounts.ts'
import { runReportSchema } from '../../../src/operations/run-reports.ts'
import { align } from './align.ts'
import { workerClient } from './open-sandbox.ts'
import { readMirror } from './read-mirror.ts'
import { runCommand } from './run-command.ts'
import type { Stage } from './run-demo.ts'

/** Shows the command line's view; the commands reach the running worker through its control socket. */
export async function showRuns({ sandbox, narrator, signal }: Stage): Promise<void> {
  narrator.heading('6  What happened: npm run -s cli -- accounts --json, and runs --json, here as tables')
  const accounts = await runCommand(['accounts', '--json'], sandbox.environment, signal)
  const runs = await runCommand(['runs', '--json'], sandbox.environment, signal)
  narrator.block(
    align([
      ['account', 'first login', 'bootstrapped at'],
      ...z
        .array(accountReportSchema)
        .parse(JSON.parse(accounts))
        .map(account => [account.name, account.firstLogin, account.bootstrappedAt ?? '-']),
    ]),
  )
  narrator.block(
    `\n${align([
      ['run', 'job', 'trigger', 'state', 'counts'],
      ...z
        .array(runReportSchema)
        .parse(JSON.parse(runs))
        .map(run => [
          run.id,
          run.job,
          run.trigger,
          run.state,
          run.counts ? describeCounts(run.counts) : (run.error?.code ?? ''),
        ]),
    ])}`,
  )
  const tokens = sandbox.identity.tokenRequests.filter(request => request.clientId === workerClient).length
  narrator.remark(
    `The identity provider issued ${tokens} tokens for all of this: a token serves every run until it expires,`,
  )
  narrator.remark('and the gate fetches a fresh one before it holds a request.')
}

export async function showRows({ sandbox, worker, narrator }: Stage): Promise<void> {
  narrator.heading('7  What was mirrored')
  narrator.say('demo', 'sends SIGTERM: an embedded database has one owner, so the worker stops before it is read')
  const exitCode = await worker.stop()
  narrator.say('demo', `the worker ended with exit code ${exitCode}`)
  const { counts, articles } = await readMirror(sandbox.dataDir)
  narrator.block(
    `mirror.users ${counts.users} rows, mirror.topics ${counts.topics}, mirror.articles ${counts.articles}`,
  )
  narrator.block(
    `\n${align([
      ['title', 'revision', 'rating', 'updated_at'],
      ...articles.map(row => [row.title, row.revision, row.rating ?? '-', row.updated_at]),
    ])}`,
  )
  narrator.remark('Microseconds, and digits beyond the precision of JavaScript numbers, are the same as in the API.')
}
