import type { Account } from '../account.ts'
import type { Definitions } from '../app/app.ts'
import { findAccountJobProblems } from '../app/check-account-jobs.ts'
import { findJobFiles } from '../app/find-job-files.ts'
import { schemaFolderOf } from '../config/project.ts'
import { jobsOf } from '../definitions/account-jobs.ts'
import { checkJobList } from '../definitions/check-jobs.ts'
import { findSettingsRefusal } from '../definitions/find-job-problems.ts'
import { arrange, combine, type Diagnosis, exitCodeFor, fail, failWith } from '../doctor/check.ts'
import { diagnoseAccount } from '../doctor/diagnose-account.ts'
import { inspectServices } from '../doctor/inspect-services.ts'
import { ConfigError } from '../errors.ts'
import type { Explanation } from '../explanation.ts'
import { byName, getNamed } from '../names/find-named.ts'
import { createSlots } from '../outgoing/slots.ts'
import { readAdminLogin } from '../provision/admin-login.ts'
import { explainWithAdmin, type PlanAccount } from '../provision/explain-with-admin.ts'
import { openProvisioning } from '../provision/open-provisioning.ts'
import { findRealmUrl } from '../rest/keycloak-admin.ts'
import { type CommandContext, defineCommand, type Terminal } from './command.ts'
import { jsonOutput, textOption } from './options.ts'

export const doctor = defineCommand({
  name: 'doctor',
  summary: 'check every requirement of each account and show what to do about problems; changes nothing',
  arguments: {},
  options: { account: textOption('NAME', 'check this account only; default: all'), json: jsonOutput },
  async run({ account: name, json }, context) {
    const { accounts } = context.config
    const chosen = name === undefined ? accounts : [getNamed('account', byName(accounts), name)]
    return report(await diagnose(context, chosen), context.terminal, json)
  },
  // A configuration error stops every other command; here it is a finding.
  onConfigError(error, { json }, terminal) {
    return report([diagnoseConfig(error)], terminal, json)
  },
})

/** A thousand logins at once would time out, or use up the files that the process may open, and seem to fail. */
const accountsAtOnce = 8

/** Makes every check of these accounts; changes nothing. */
export async function diagnose(context: CommandContext, accounts: readonly Account[]): Promise<readonly Diagnosis[]> {
  const { config, envFile, host, signal } = context
  const { jobs, firstLogin, problems } = await findDefinitions(context)
  const services = await inspectServices(config, { ...host, signal })
  const deps = {
    ...host,
    schemaFolder: schemaFolderOf(host.project),
    firstLogin,
    services: services.findings,
    envFile,
    findFirstLogin: async (account: string) =>
      services.firstLogins && (services.firstLogins.get(account) ?? { state: 'pending' }),
  }
  const slots = createSlots(accountsAtOnce)
  const examine = async (account: Account): Promise<Diagnosis> => {
    const ownJobs = jobsOf(account, jobs)
    const { accountsFile } = config
    const ofFile =
      accountsFile === undefined || problems.length > 0
        ? []
        : findAccountJobProblems(account, config.accounts.indexOf(account), jobs)
    const refusals = await Promise.all(ownJobs.map(job => findSettingsRefusal(job, account, host)))
    const ofSettings = refusals.filter(refusal => refusal !== undefined)
    const own = { ...deps, jobs: ownJobs, problems: [...problems, ...ofFile, ...ofSettings], accountsFile }
    const diagnosis = await diagnoseAccount(account, own, signal)
    const requirements = ownJobs.map(job => job.requirement)
    return explainWithAdmin(diagnosis, account, requirements, planWithAdmin(context))
  }
  return Promise.all(accounts.map(account => slots(() => examine(account))))
}

/** Jobs that can't be loaded don't stop the other checks. */
async function findDefinitions(
  context: CommandContext,
): Promise<Definitions & { readonly problems: readonly Explanation[] }> {
  try {
    const definitions = await context.loadDefinitions()
    await checkJobList(definitions.jobs, name => findJobFiles(context.host.project, name))
    return { ...definitions, problems: [] }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    const remedy = "correct the project's files as it says, then run doctor again"
    const problems = error.problems.map(problem => ({ remedy, ...problem }))
    return { jobs: [], firstLogin: undefined, problems }
  }
}

/** Plans when the environment names an administrator and the account's realm is known. */
function planWithAdmin({ env, host, signal }: CommandContext): PlanAccount {
  return async (account, requirements) => {
    const { login } = account
    if (login.method === 'password' || findRealmUrl(login) === undefined) return undefined
    const administrator = readAdminLogin(env, login)
    if (!administrator) return undefined
    const provisioning = await openProvisioning(account, requirements, {}, administrator, host, signal)
    return provisioning.plan()
  }
}

function diagnoseConfig(error: ConfigError): Diagnosis {
  const hint = 'set the variable named; docs/configuration.md lists all variables'
  return arrange(
    'default',
    new Map([
      [
        'config',
        combine(
          error.problems.map(problem => failWith(problem, hint)),
          fail(error.message, hint),
        ),
      ],
    ]),
  )
}

const marks = { ok: '✓', warn: '!', fail: '✗', skip: '·' }

/** @returns the exit code */
export function report(diagnoses: readonly Diagnosis[], terminal: Terminal, json: boolean): number {
  if (json) terminal.out(`${JSON.stringify(diagnoses)}\n`)
  else for (const diagnosis of diagnoses) terminal.out(describe(diagnosis))
  return exitCodeFor(diagnoses)
}

function describe({ account, ok, checks }: Diagnosis): string {
  const lines = checks.map(({ id, status, detail, hint }) => {
    const advice = hint === '' ? '' : `\n${' '.repeat(19)}→ ${hint}`
    return `  ${marks[status]} ${id.padEnd(14)} ${detail}${advice}\n`
  })
  return `Account "${account}": ${ok ? 'all checks pass' : 'some checks fail'}\n${lines.join('')}`
}
