import { parse } from 'yaml'
import { z } from 'zod'
import { readDocument } from '../docs/markdown.ts'

const text = z.record(z.string(), z.string())

/** In the long syntax, which can demand that the folder is there. */
const longVolume = z
  .strictObject({
    type: z.literal('bind'),
    source: z.string(),
    target: z.string(),
    read_only: z.literal(true),
    bind: z.strictObject({ create_host_path: z.literal(false) }),
  })
  .transform(({ source, target }) => `${source}:${target}:ro`)

/** The part of a service that tests follow. */
const serviceSchema = z.object({
  image: z.string().optional(),
  environment: text.default({}),
  command: z.array(z.string()).default([]),
  working_dir: z.string().optional(),
  volumes: z.array(z.union([z.string(), longVolume])).default([]),
  read_only: z.boolean().default(false),
  stop_grace_period: z.string().optional(),
  healthcheck: z.object({ test: z.tuple([z.literal('CMD')], z.string()) }).optional(),
})
export type ComposeService = z.output<typeof serviceSchema>

const fileSchema = z.object({ services: z.record(z.string(), serviceSchema) })

/**
 * Reads a compose file as `docker compose` does.
 *
 * @param environment what its variables are; the defaults of the file count for others
 * @throws for a service that it doesn't have, and a variable that must be given and isn't
 */
export function readService(path: string, name: string, environment: Readonly<Record<string, string>> = {}) {
  const interpolated = readDocument(path).replaceAll(
    /\$\$|\$\{(\w+)(?::([-?])([^}]*))?\}/g,
    (found, variable?: string, operator?: string, operand = '') => {
      if (variable === undefined) return '$'
      const value = environment[variable] ?? (operator === '-' ? operand : undefined)
      if (value === undefined) throw new Error(`${found} in ${path} has no value`)
      return value
    },
  )
  const service = fileSchema.parse(parse(interpolated)).services[name]
  if (!service) throw new Error(`${path} has no service ${name}`)
  return service
}

export interface Mount {
  /** Relative to the compose file. */
  readonly source: string
  readonly target: string
  readonly isReadOnly: boolean
}

/** What of the machine a service sees; volumes with a name are left out. */
export function mountsOf({ volumes }: Pick<ComposeService, 'volumes'>): readonly Mount[] {
  return volumes
    .map(volume => volume.split(':'))
    .filter(([source = '']) => source.startsWith('.'))
    .map(([source = '', target = '', mode]) => ({ source, target, isReadOnly: mode === 'ro' }))
}
