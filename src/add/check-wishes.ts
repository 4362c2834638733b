import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Project } from '../config/project.ts'
import type { JobDefinition } from '../definitions/define-job.ts'
import { ConfigError, UsageError } from '../errors.ts'
import { type ChosenNames, chooseNames, chooseTable, findTaken } from './choose-names.ts'
import { findCodegen } from './generate-types.ts'
import { listFile } from './register-job.ts'

/** A table to pull, as given on the command line. */
export interface PullWish {
  readonly rootField: string
  readonly key?: readonly string[] | undefined
  readonly cursor?: string | undefined
  readonly into?: string | undefined
  readonly name?: string | undefined
}

export interface ProjectWithJobs extends Project {
  readonly jobs: readonly JobDefinition[]
}

/**
 * Makes the checks that need no request to the API.
 *
 * @returns the names for each wish, none of them twice
 * @throws UsageError, ConfigError, ConflictError
 */
export async function checkWishes(
  { folder, jobs }: ProjectWithJobs,
  wishes: readonly PullWish[],
): Promise<readonly ChosenNames[]> {
  if (!existsSync(join(folder, listFile)) || findCodegen(folder) === undefined) {
    throw new ConfigError([
      {
        found: `${folder} has no TypeScript sources or no codegen, which "add" needs`,
        remedy: 'run it in a project, after "npm install --include=dev"',
      },
    ])
  }
  const taken = await findTaken(folder, listFile, jobs)
  const added: ChosenNames[] = []
  for (const { rootField, name, into } of wishes) {
    requireName(rootField)
    const names = chooseNames({ ...taken, added }, rootField, name)
    added.push({ names, into: chooseTable({ jobs, added }, rootField, into) })
  }
  return added
}

function requireName(rootField: string): void {
  if (/^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)?$/.test(rootField)) return
  throw new UsageError({
    found: `"${rootField}" can't be a root field, because GraphQL names consist of letters A to Z, digits and underscores`,
    remedy: 'give the name that the API shows; in Hasura it may be a custom name of the table',
  })
}
