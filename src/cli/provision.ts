import type { z } from 'zod'
import type { Account } from '../account.ts'
import { schemaFolderOf } from '../config/project.ts'
import { jobsOf } from '../definitions/account-jobs.ts'
import type { JobDefinition } from '../definitions/define-job.ts'
import { type Diagnosis, exitCodeFor, skip } from '../doctor/check.ts'
import { diagnoseAccount } from '../doctor/diagnose-account.ts'
import { ConfigError, RefusalError, UsageError } from '../errors.ts'
import { byName, chooseNamed } from '../names/find-named.ts'
import { getAdminLogin } from '../provision/admin-login.ts'
import { explainByPlan } from '../provision/explain-with-admin.ts'
import { openProvisioning, type Provisioning } from '../provision/open-provisioning.ts'
import { getSecretFile } from '../provision/replace-client-secret.ts'
import type { Obstacle, Plan } from '../provision/step.ts'
import { type CommandContext, defineCommand } from './command.ts'
import { flag, oneAccount, textOption, textsOption } from './options.ts'

const options = {
  account: oneAccount,
  dryRun: flag('show the plan and change nothing'),
  rotate: flag("replace the account's secret or key while the worker runs"),
  role: textsOption('ROLE', 'role to grant in addition to those that the jobs require; repeatable'),
  client: textOption('NAME', 'client that owns the roles the jobs require; default: the one that has them'),
  group: textOption('GROUP', "group that the account's user joins"),
  email: textOption('ADDRESS', "email address of the account's user"),
}

export const provision = defineCommand({
  name: 'provision',
  summary: "set up an account's client, scope, roles and user in Keycloak, after showing the plan",
  arguments: {},
  options,
  async run(values, context) {
    const { terminal } = context
    const { rotate, dryRun } = values
    const account = chooseNamed('account', byName(context.config.accounts), values.account)
    checkCredentials(account, rotate)
    const jobs = jobsOf(account, (await context.loadDefinitions()).jobs)
    const provisioning = await open(context, account, jobs, values)
    const plan = await provisioning.plan(rotate).catch((error: unknown) => {
      throw error instanceof RefusalError ? new ConfigError([error]) : error
    })
    const obstacles = findObstacles(plan)
    if (plan.steps.length > 0 || obstacles.length === 0) terminal.out(describe(plan, account, provisioning.realm))
    if (obstacles.length > 0) {
      throw new ConfigError(obstacles.map(({ found, advice }) => ({ found: capitalize(found), remedy: advice })))
    }
    if (dryRun) return 0
    const carryOut = async ({ steps, obstacles: suspected }: Plan): Promise<Diagnosis> => {
      for (const step of steps) {
        await provisioning.apply(step)
        terminal.out(`  ✓ ${step.sentence}\n`)
      }
      return diagnose(context, account, jobs, suspected)
    }
    let diagnosis = await carryOut(plan)
    if (plan.steps.length > 0 && !diagnosis.ok) {
      // A client policy may have changed the new client, and that tokens are lightweight shows only in the first one.
      const further = await provisioning.plan()
      if (further.steps.length > 0 && findObstacles(further).length === 0) {
        terminal.out(describe(further, account, provisioning.realm))
        diagnosis = await carryOut(further)
      }
    }
    const failed = diagnosis.checks.filter(({ status }) => status === 'fail')
    if (failed.length === 0) terminal.out('Verified: all checks of doctor pass.\n')
    for (const { id, detail, hint } of failed) terminal.err(`✗ ${id}: ${detail}${hint === '' ? '' : `\n  → ${hint}`}\n`)
    return exitCodeFor([diagnosis])
  },
})

/** Fails before any request is sent. */
function checkCredentials({ login }: Account, rotate: boolean): void {
  if (login.method === 'client_secret_basic' || login.method === 'client_secret_post') getSecretFile(login)
  if (rotate && login.method === 'tls_client_auth') {
    throw new UsageError({
      found: '--rotate does not apply to a client certificate: its authority renews it',
      remedy:
        'replace CLIENT_CERT_FILE and CLIENT_KEY_FILE, then run provision without --rotate to register the new subject in Keycloak',
    })
  }
}

function open(
  { env, host, signal }: CommandContext,
  account: Account,
  jobs: readonly JobDefinition[],
  { role: roles, client: application, email, group }: z.output<z.ZodObject<typeof options>>,
): Promise<Provisioning> {
  const wanted = {
    roles,
    ...(application !== undefined && { application }),
    ...(email !== undefined && { email }),
    ...(group !== undefined && { group }),
  }
  const requirements = jobs.map(job => job.requirement)
  return openProvisioning(account, requirements, wanted, getAdminLogin(env, account.login), host, signal)
}

function describe({ steps }: Plan, { name, login }: Account, realm: string): string {
  const what = `account "${name}" (client "${login.clientId}" of realm "${realm}")`
  if (steps.length === 0) return `Nothing to do for ${what}.\n`
  const lines = steps.map(({ sentence, found }) => `  - ${sentence}: ${found}\n`)
  return `To do for ${what}:\n${lines.join('')}`
}

function findObstacles({ obstacles }: Plan): readonly Obstacle[] {
  return obstacles.filter(({ isSuspected }) => !isSuspected)
}

/** Makes doctor's checks of the account; queue and store aren't part of it. What fails may be explained by what was suspected. */
async function diagnose(
  { host, signal }: CommandContext,
  account: Account,
  jobs: readonly JobDefinition[],
  obstacles: readonly Obstacle[],
): Promise<Diagnosis> {
  const untouched = skip('not checked by provision')
  const deps = {
    ...host,
    schemaFolder: schemaFolderOf(host.project),
    jobs,
    problems: [],
    services: new Map([
      ['queue', untouched],
      ['store', untouched],
    ] as const),
    findFirstLogin: async () => undefined,
  }
  return explainByPlan(await diagnoseAccount(account, deps, signal), { steps: [], obstacles })
}

function capitalize(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
