import type { SandboxHasura } from '#sandbox/hasura/start-hasura'
import { findDocumentProblems, roleOf } from '../definitions/contract.ts'
import type { JobDefinition } from '../definitions/define-job.ts'
import { ConfigError, WorkerError } from '../errors.ts'
import { readSchema } from '../hasura/role-schema.ts'

/**
 * Why a job's operations fit the pulled schema and yet not the API that is made from it; undefined if they do. The API itself answers as a
 * real one whose role lacks a permission.
 *
 * @param error of a run; if it isn't the API's refusal of an operation, it is left as it is
 */
export function explainUnserved(error: unknown, job: JobDefinition, api: SandboxHasura): ConfigError | undefined {
  if (!(error instanceof WorkerError && refusals.has(error.code))) return undefined
  const role = roleOf(job)
  if (role === undefined) return undefined
  const problems = findDocumentProblems([job], readSchema(role, api.printSchema(role)))
  if (problems.length === 0) return undefined
  return new ConfigError(
    [
      {
        found: `The API that the test makes from the SDL lacks a part that a job needs (${problems.join(' ')})`,
        remedy:
          'it reads tables, without relationships, functions with arguments, streams and mutations: give the test an `api` that has the part, or leave the job out and try it on your Hasura (run <job> --dry-run)',
      },
    ],
    { cause: error },
  )
}

/** Hasura's code, and what the worker makes of it when a field is missing. */
const refusals: ReadonlySet<string> = new Set(['validation-failed', 'operation-refused'])
