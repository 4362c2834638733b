import { z } from 'zod'
import { privateCode, sayPublicly } from '../log.ts'
import type { AnyOperation, ApiRole, Call } from '../operations/operation.ts'
import { cursorOf } from '../operations/pages.ts'
import { askOf, type Operations, registry } from '../operations/registry.ts'
import type { RequestReport } from '../operations/request-reports.ts'
import { getRequest, longestWaitSeconds, makeRequest } from '../operations/requests.ts'
import { nameValue } from '../operations/values.ts'
import { priorities } from '../states.ts'
import { readKey } from './read-key.ts'
import { readWait } from './read-wait.ts'

/** How HTTP carries one operation. */
export interface Door {
  readonly name: keyof Operations
  readonly operation: AnyOperation
  /** What path, query and body contain. */
  readonly input: z.ZodObject
  /** What is taken from headers as well. */
  readonly headers: z.ZodObject
  readonly status: 200 | 202 | 204
  /** The body of the response; none for 204. */
  readonly output: z.ZodType
  carry(operations: Operations, asked: Asked): Promise<Answer>
}

interface Asked extends Pick<Call<never>, 'signal' | 'caller' | 'trace'> {
  readonly input: object
  readonly headers: object
  readonly roles: readonly ApiRole[]
}

interface Answer {
  readonly body: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** Items per page, unless the caller sets a limit. */
const pageSize = 100

function carryPlainly(name: keyof Operations, operation: AnyOperation): Door {
  const { input, output } = operation
  return {
    name,
    operation,
    input,
    headers: z.object({}),
    status: output instanceof z.ZodVoid ? 204 : 200,
    output,
    carry: async (operations, { input: wanted, ...call }) => ({ body: await askOf(operations, name)(wanted, call) }),
  }
}

/** Over HTTP, `next` is null at the end of a list. */
function carryPage(name: keyof Operations, operation: AnyOperation, cursor: readonly string[]): Door {
  const limit = z.coerce.number<number>().int().min(1).max(1000).default(pageSize)
  const input = operation.input.extend({ limit })
  const items = z.array(z.looseObject({}))
  return {
    ...carryPlainly(name, operation),
    input,
    output: z.object({ items: operation.output, next: z.string().nullable() }),
    async carry(operations, { input: wanted, ...call }) {
      const found = items.parse(await askOf(operations, name)(wanted, call))
      const last = found.length === input.parse(wanted).limit ? found.at(-1) : undefined
      return { body: { items: found, next: last ? cursorOf(last, cursor) : null } }
    },
  }
}

const keyHeader = z.object({ 'idempotency-key': z.string().optional() })
const making = makeRequest.input
  .omit({ trigger: true, caller: true, idempotencyKey: true })
  .extend({ account: orNull(nameValue), priority: orNull(z.enum(priorities)) })

/** Many clients send null for what isn't set, such as those of Spring and Feign. */
function orNull<Schema extends z.ZodType>(schema: Schema) {
  return z.preprocess(value => value ?? undefined, schema.optional()).optional()
}

const carryMaking: Door = {
  name: 'makeRequest',
  operation: makeRequest,
  input: making,
  headers: keyHeader,
  status: 202,
  output: makeRequest.output,
  async carry({ makeRequest: make }, { input, headers, ...call }) {
    const idempotencyKey = readKey(keyHeader.parse(headers)['idempotency-key'])
    const body = await make({ ...making.parse(input), idempotencyKey }, call)
    return { body, headers: { location: `/requests/${encodeURIComponent(body.id)}` } }
  },
}

const preferHeader = z.object({ prefer: z.string().optional() })
const getting = getRequest.input.omit({ waitSeconds: true })

const carryGetting: Door = {
  name: 'getRequest',
  operation: getRequest,
  input: getting,
  headers: preferHeader,
  status: 200,
  output: getRequest.output,
  async carry({ getRequest: get }, { input, headers, roles, ...call }) {
    const waitSeconds = Math.min(readWait(preferHeader.parse(headers).prefer), longestWaitSeconds)
    const report = await get({ ...getting.parse(input), waitSeconds }, call)
    return {
      body: roles.includes('view') ? report : withoutPrivateWords(report),
      ...(waitSeconds > 0 && { headers: { 'preference-applied': `wait=${waitSeconds}` } }),
    }
  },
}

/** Callers may request jobs; what a job's own code threw, and who the other callers are, is only for the worker's operator. */
function withoutPrivateWords({ caller: _, ...report }: RequestReport): RequestReport {
  const { failedReason, runs } = report
  const [last] = runs
  return {
    ...report,
    ...(failedReason !== undefined && {
      failedReason: last?.error?.code === privateCode ? sayPublicly(last.error) : failedReason,
    }),
    runs: runs.map(({ caller: _, ...run }) => ({
      ...run,
      error: run.error && { ...run.error, message: sayPublicly(run.error) },
    })),
  }
}

/** Groups of requests have no null: of a caller's variable that isn't set by mistake, it would find all of them. */
const orNullNames = { account: orNull(nameValue), job: orNull(nameValue) }

function carryOrNull(
  name: 'reset' | 'pauseSchedule' | 'probeHolds',
  ...optional: readonly (keyof typeof orNullNames)[]
): Door {
  const door = carryPlainly(name, registry[name])
  return { ...door, input: door.input.extend(Object.fromEntries(optional.map(key => [key, orNullNames[key]]))) }
}

const special: readonly Door[] = [
  carryMaking,
  carryGetting,
  carryOrNull('reset', 'account'),
  carryOrNull('pauseSchedule', 'account'),
  carryOrNull('probeHolds', 'account', 'job'),
]

/** Every operation that is served over TCP. */
export const doors: readonly Door[] = Object.entries<AnyOperation>(registry)
  .filter(([, { roles }]) => roles.length > 0)
  .map(([key, operation]) => {
    const name = key as keyof typeof registry
    const own = special.find(door => door.name === name)
    return own ?? (operation.cursor ? carryPage(name, operation, operation.cursor) : carryPlainly(name, operation))
  })
