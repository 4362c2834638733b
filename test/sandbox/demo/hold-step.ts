import { setTimeout as sleep } from 'node:timers/promises'
import { callerClient, tokenLifetimeSeconds, workerClient } from './open-sandbox.ts'
import type { Stage } from './run-demo.ts'

export async function holdAndMend(stage: Stage): Promise<void> {
  const { sandbox, caller, narrator, signal } = stage
  narrator.heading('5  A role is taken away: the request is held, not failed, and resumes automatically')
  await sandbox.hasura.sql("update public.topics set title = title || ' (renamed)' where title = 'Topic 05'")
  narrator.say('api', 'a topic is renamed')
  sandbox.identity.setRoles(workerClient, ['auditor'])
  narrator.say('identity', `an administrator takes the role "viewer" from ${workerClient}`)
  await untilTokenExpired(stage)
  const id = await caller.request('sync-topics', signal)
  narrator.say('client', `${callerClient.clientId}: POST /jobs/sync-topics/requests -> 202 ${id}`)
  const { hold } = await caller.lookUntil(id, report => report.hold !== undefined, signal)
  narrator.say('client', `${callerClient.clientId}: GET /requests/${id} -> held (${hold?.code})`)
  narrator.remark(`"${hold?.reason}"`)
  sandbox.identity.setRoles(workerClient, ['viewer', 'auditor'])
  narrator.say('identity', `the administrator grants "viewer" to ${workerClient} again`)
  narrator.remark('A hold is probed after 5 s, then 10, 20 … up to 5 minutes; no restart is needed.')
  await caller.lookUntil(id, report => report.state === 'done', signal)
}

/** A token contains the roles at the time of its issue. */
async function untilTokenExpired({ sandbox, narrator, signal }: Stage): Promise<void> {
  const last = sandbox.identity.tokenRequests.findLast(request => request.clientId === workerClient)
  const leftMs = last ? last.at.getTime() + tokenLifetimeSeconds * 1000 - Date.now() : 0
  if (leftMs <= 0) return
  narrator.remark(`The worker's token still holds it, for ${(leftMs / 1000).toFixed(1)} s.`)
  await sleep(leftMs, undefined, { signal })
}
