/** The names of a pull job's parts. */
export interface JobNames {
  /** Names its file as well and, without `sync-`, the operation's file. */
  readonly job: string
  readonly operationFile: string
  readonly jobFile: string
  readonly constant: string
  readonly operation: string
  readonly document: string
}

/** File systems allow 255 bytes. */
const mostLetters = 100

/**
 * Yields possible names of a new job, the best first: the root field's words with a prefix, so that a leading digit or a reserved word
 * does no harm. All differ on a file system that ignores case.
 */
export function* findJobNames(rootField: string): Generator<JobNames, never> {
  const words = splitWords(rootField)
  const kebab = (words.length > 0 ? words.join('-') : 'table').slice(0, mostLetters).replace(/-$/, '')
  for (let count = 1; ; count += 1) yield namesOf(`sync-${kebab}${count === 1 ? '' : `-${count}`}`)
}

/** @returns undefined when a job can't have this name */
export function nameJob(job: string): JobNames | undefined {
  return /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(job) && job.length <= mostLetters ? namesOf(job) : undefined
}

function namesOf(job: string): JobNames {
  const base = job.replace(/^sync-(?=.)/, '')
  const pascal = toPascal(base.split('-'))
  return {
    job,
    operationFile: `graphql/${base}.graphql`,
    jobFile: `src/jobs/${job}.ts`,
    constant: `sync${pascal}`,
    operation: `Pull${pascal}`,
    document: `Pull${pascal}Document`,
  }
}

function splitWords(name: string): string[] {
  const words = name.match(/[A-Z]+(?![a-z])\d*|[A-Z]?[a-z]+\d*|\d+/g) ?? []
  return words.map(word => word.toLowerCase())
}

/** Codegen may treat consecutive capitals as one word and turn `PullAB` into `PullAb`. */
function toPascal(words: readonly string[]): string {
  const joined = words.map(word => `${word.charAt(0).toUpperCase()}${word.slice(1)}`).join('')
  return joined.replaceAll(/(?<=[A-Z])[A-Z](?![a-z])/g, capital => capital.toLowerCase())
}
