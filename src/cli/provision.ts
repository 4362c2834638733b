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
    const first = await provisioning.plan(rotate).catch((error: unknown) => {
      throw error instanceof RefusalError ? new ConfigError([error]) : error
    })
    const tell = (plan: Plan): void => terminal.out(describe(plan, account, provisioning.realm))
    const carryOut = async (plan: Plan): Promise<void> => {
      if (plan.steps.length > 0) tell(plan)
      refuseObstacles(plan)
      if (dryRun) return
      for (const step of plan.steps) {
        await provisioning.apply(step)
        terminal.out(`  ✓ ${step.sentence}\n`)
      }
    }
    await carryOut(first)
    if (first.steps.length === 0) tell(first)
    if (dryRun) return 0
    // A client policy may have changed a new client, its user has joined the realm's default groups, and only its first token shows that
    // it is lightweight.
    const further = first.steps.length > 0 ? await provisioning.plan() : first
    await carryOut(further)
    const diagnosis = await diagnose(context, account, jobs, further.obstacles)
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

/** @throws ConfigError that tells what prevents the plan, or the account that it made */
function refuseObstacles({ obstacles }: Plan): void {
  const certain = obstacles.filter(({ isSuspected }) => !isSuspected)
  if (certain.length === 0) return
  throw new ConfigError(certain.map(({ found, advice }) => ({ found: capitalize(found), remedy: advice })))
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
