import { UsageError } from '../errors.ts'
import { byName, getNamed } from '../names/find-named.ts'
import { type CommandContext, defineCommand } from './command.ts'
import { exitCodeOf } from './exit-code.ts'
import { argument, flag, textsOption } from './options.ts'

export const reset = defineCommand({
  name: 'reset',
  summary: 'forget a checkpoint, so that the next run reads everything',
  arguments: { job: argument('job, as listed by "jobs"') },
  options: {
    account: textsOption('NAME', 'account; repeatable; required only when there are several'),
    allAccounts: flag('every account that the job runs for; instead of --account'),
  },
  async run({ job, account, allAccounts }, context) {
    const names = chooseAccounts(context, job, account, allAccounts)
    return context.withOperations(async operations => {
      let exitCode = 0
      for (const name of names) {
        try {
          await operations.reset({ job, account: name })
          context.terminal.out(`The next run of ${job} for account "${name}" reads everything.\n`)
        } catch (error) {
          // A job that is running keeps its checkpoint; the other accounts are still reset.
          if (!(error instanceof UsageError)) throw error
          context.terminal.err(`${error.message}\n`)
          exitCode = exitCodeOf(error)
        }
      }
      return exitCode
    })
  },
})

function chooseAccounts(
  { config }: CommandContext,
  job: string,
  names: readonly string[],
  areAllMeant: boolean,
): readonly string[] {
  const accounts = byName(config.accounts)
  if (areAllMeant) {
    if (names.length > 0) {
      throw new UsageError({ found: '--account and --all-accounts are both given', remedy: 'give one of them' })
    }
    return config.accounts.filter(({ jobs }) => jobs?.includes(job) !== false).map(({ name }) => name)
  }
  if (names.length > 0) return [...new Set(names)].map(name => getNamed('account', accounts, name).name)
  if (accounts.size > 1) {
    const remedy = `choose with --account (${[...accounts.keys()].join(', ')}), or give --all-accounts`
    throw new UsageError({ found: 'There are several accounts', remedy })
  }
  return [...accounts.keys()]
}
