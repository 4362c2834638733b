import type { Stage } from './run-demo.ts'
import { tellDashboard } from './tell-dashboard.ts'

export async function firstLogin({ worker, sandbox, narrator, signal }: Stage): Promise<void> {
  narrator.heading('1  A worker with an empty store starts, and its account logs in for the first time')
  const given = Object.keys(sandbox.environment).join(' ')
  narrator.say('demo', 'npm start, with the secret in a file and these variables:')
  narrator.remark(given)
  await worker.waitFor(line => line.msg.startsWith('worker ready'), signal)
  await tellDashboard(sandbox, narrator)
  await worker.waitFor(line => line.msg === 'first login: the user is visible', signal)
}
