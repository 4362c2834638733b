import { setTimeout as sleep } from 'node:timers/promises'
import type { Narrator } from './narrator.ts'
import { callerClient, type Sandbox } from './open-sandbox.ts'
import { tellDashboard } from './tell-dashboard.ts'
import type { WorkerProcess } from './worker-process.ts'

const reviseEveryMs = 20_000
/** Keycloak's default: from now on, changes needn't be noticed within seconds. */
const tokenLifetimeSeconds = 300

/** Starts the worker again on its store, changes a row in the API now and then, and runs until Ctrl-C. */
export async function keepRunning(
  sandbox: Sandbox,
  start: () => WorkerProcess,
  narrator: Narrator,
  interrupted: AbortSignal,
): Promise<void> {
  narrator.heading('8  The worker starts again, resumes where it was, and keeps running')
  sandbox.identity.setTokenLifetime(tokenLifetimeSeconds)
  await using worker = start()
  const signal = AbortSignal.any([interrupted, worker.lost])
  try {
    await worker.waitFor(line => line.msg.startsWith('worker ready'), signal)
    await tellDashboard(sandbox, narrator)
    narrator.remark(
      `Its schedules come every 5 minutes; an article is revised in the API every ${reviseEveryMs / 1000} s.`,
    )
    narrator.heading('To try in a second terminal, in this folder')
    narrator.block(whatToTry(sandbox))
    narrator.heading('Ctrl-C ends everything and removes the temporary folder.')
    for (let n = 1; ; n++) {
      await sleep(reviseEveryMs, undefined, { signal })
      await reviseAnArticle(sandbox, n)
      narrator.say('api', 'an article is revised')
    }
  } catch (error) {
    if (!interrupted.aborted) throw signal.aborted ? signal.reason : error
  }
}

async function reviseAnArticle({ hasura }: Sandbox, n: number): Promise<void> {
  await hasura.sql(
    "update public.articles set revision = revision + 1 where id = (select id from public.articles where status = 'published' order by id offset $1 limit 1)",
    [n % 100],
  )
}

function whatToTry({ environmentFile, identity }: Sandbox): string {
  return `. ${environmentFile}
npm run -s cli -- runs --limit 5
npm run -s cli -- run sync-articles
npm run -s cli -- rows articles --limit 5
npm run -s cli -- enqueue sync-topics --wait
npm run -s cli -- jobs
npm run -s cli -- reset sync-users
npm run -s cli -- --help

# as another service, over HTTP (the worker's own client may not ask for runs):
TOKEN=$(curl -s ${identity.tokenUrl} -d grant_type=client_credentials \\
  -d client_id=${callerClient.clientId} -d client_secret=${callerClient.clientSecret} | node -p 'JSON.parse(fs.readFileSync(0)).access_token')
curl -s -X POST http://127.0.0.1:$PORT/jobs/sync-users/requests -H "authorization: Bearer $TOKEN"`
}
