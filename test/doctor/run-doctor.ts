import { z } from 'zod'
import { checkIds } from '../../src/doctor/check.ts'
import { systemClock } from '../../src/time/clock.ts'
import { type Environment, runWith, type Surroundings } from '../cli/run-command.ts'

const checkSchema = z.strictObject({
  id: z.enum(checkIds),
  status: z.enum(['ok', 'warn', 'fail', 'skip']),
  detail: z.string().min(1),
  hint: z.string(),
})

/** What `doctor --json` prints, as scripts may rely on it. */
const diagnosesSchema = z.array(
  z.strictObject({
    account: z.string().min(1),
    ok: z.boolean(),
    checks: z.array(checkSchema).length(checkIds.length),
  }),
)

export type Diagnoses = z.infer<typeof diagnosesSchema>

export interface DoctorRun {
  readonly code: number | null
  readonly diagnoses: Diagnoses
  /** Everything that was written. */
  readonly written: string
  find(id: (typeof checkIds)[number], account?: string): z.infer<typeof checkSchema>
  /** The checks that fail, by their ids. */
  readonly failed: readonly string[]
}

const longestPauseMs = 10_000

/** What is longer than a pause is a limit, for which something is waited. */
async function skipPauses(ms: number, signal?: AbortSignal): Promise<void> {
  if (ms > longestPauseMs) await systemClock.sleep(ms, signal)
}

/** `doctor --json` as `main.ts` runs it, without the pauses between tries. */
export async function runDoctor(
  env: Environment,
  {
    argv = [],
    aheadMs = 0,
    ...surroundings
  }: Pick<Surroundings, 'envFilePath' | 'folder' | 'moreJobs'> & {
    readonly argv?: readonly string[]
    readonly aheadMs?: number
  } = {},
): Promise<DoctorRun> {
  const { code, out, err } = await runWith(env, ['doctor', '--json', ...argv], {
    ...surroundings,
    signal: AbortSignal.timeout(60_000),
    clock: { ...systemClock, now: () => Date.now() + aheadMs, sleep: skipPauses },
  })
  if (err !== '') throw new Error(`doctor wrote to stderr: ${err}`)
  const diagnoses = diagnosesSchema.parse(JSON.parse(out))
  const checks = diagnoses.flatMap(diagnosis => diagnosis.checks)
  for (const { status, hint, id } of checks) {
    if ((status === 'warn' || status === 'fail') && hint === '') throw new Error(`${id} says nothing about what to do`)
  }
  return {
    code,
    diagnoses,
    written: out,
    failed: checks.filter(check => check.status === 'fail').map(check => check.id),
    find(id, account) {
      const diagnosis = diagnoses.find(each => account === undefined || each.account === account)
      const check = diagnosis?.checks.find(each => each.id === id)
      if (!check) throw new Error(`there is no check ${id} of ${account ?? 'any account'}`)
      return check
    },
  }
}
