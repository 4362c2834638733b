import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { type Json, JsonNumber } from '../hasura/lossless-json.ts'
import { readYaml, requestSchema } from './load-cases.ts'

const json = z.custom<Json>(value => value !== undefined)

const number = z.instanceof(JsonNumber).transform(({ text }) => Number(text))

/** What happens on one socket, in this order. Pings, pongs and keep-alives of the server are passed over. */
const eventSchema = z.union([
  z.strictObject({ send: json }),
  /** As the user with every role; `role` becomes `x-hasura-role`. */
  z.strictObject({
    init: z.strictObject({
      role: z.string().optional(),
      expired: z.boolean().optional(),
      lifetimeSeconds: number.optional(),
    }),
  }),
  z.strictObject({ receive: json }),
  /** A keep-alive of the protocol. */
  z.strictObject({ keepAlive: json }),
  /** Nothing comes for as long as two and a half looks of a live query take. */
  z.strictObject({ silent: z.literal(true) }),
  z.strictObject({ closed: z.strictObject({ code: number, reason: json.optional() }) }),
  /** A request over HTTP. */
  z.strictObject({ request: requestSchema }),
])

export type SocketEvent = z.infer<typeof eventSchema>

const caseSchema = z.strictObject({
  name: z.string(),
  /** What the client offers; default `graphql-transport-ws`. */
  protocol: z.union([z.string(), z.array(z.string())]).optional(),
  events: z.array(eventSchema),
  after: z.array(requestSchema).default([]),
})

export type SocketCase = z.infer<typeof caseSchema> & { readonly file: string }

/** Every case of the YAML files in `sockets`. */
export function loadSocketCases(): SocketCase[] {
  const directory = join(import.meta.dirname, 'sockets')
  return readdirSync(directory)
    .sort()
    .flatMap(file => {
      const cases = z.array(caseSchema).parse(readYaml(readFileSync(join(directory, file), 'utf8')))
      return cases.map(c => ({ ...c, file: file.replace('.yaml', '') }))
    })
}
