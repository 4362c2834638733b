import { readFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { z } from 'zod'
import { firstLogin } from '../../examples/wiki/src/jobs/first-login.ts'
import { jobs } from '../../examples/wiki/src/jobs/list.ts'
import { runCli } from '../../src/cli/run-cli.ts'
import type { JobDefinition } from '../../src/definitions/define-job.ts'
import { checkIds } from '../../src/doctor/check.ts'
import type { Environment } from '../cli/run-command.ts'
import { wikiProject } from '../fixtures/wiki-project.ts'

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
  readonly code: number
  readonly diagnoses: Diagnoses
  /** Everything that was written. */
  readonly written: string
  find(id: (typeof checkIds)[number], account?: string): z.infer<typeof checkSchema>
  /** The checks that fail, by their ids. */
  readonly failed: readonly string[]
}

/** `doctor --json` as `main.ts` runs it, without the pauses between tries. */
export async function runDoctor(
  env: Environment,
  {
    argv = [],
    aheadMs = 0,
    envFilePath = '/nowhere/.env',
    moreJobs = [],
  }: {
    readonly argv?: readonly string[]
    readonly aheadMs?: number
    readonly envFilePath?: string
    readonly moreJobs?: readonly JobDefinition[]
  } = {},
): Promise<DoctorRun> {
  let out = ''
  let err = ''
  const code = await runCli({
    argv: ['doctor', '--json', ...argv],
    version: '1.2.3',
    engineFolder: new URL('../../', import.meta.url),
    envFilePath,
    env: { LOG_LEVEL: 'silent', ...env },
    terminal: {
      out(text) {
        out += text
      },
      err(text) {
        err += text
      },
      isInteractive: false,
      hasColors: false,
    },
    signal: AbortSignal.timeout(60_000),
    onHangup: () => () => {},
    onUnforeseen() {},
    host: {
      clock: { now: () => Date.now() + aheadMs, sleep: async () => {} },
      hostname: hostname(),
      pid: process.pid,
      uid: process.getuid?.(),
      project: wikiProject,
      readSecretFile: path => readFile(path, 'utf8'),
    },
    loadDefinitions: async () => ({ jobs: [...jobs, ...moreJobs], firstLogin }),
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
