import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Document, isAlias, isMap, isScalar, isSeq, type Node, parseDocument } from 'yaml'
import { z } from 'zod'
import { type Json, JsonNumber } from '../hasura/lossless-json.ts'

/** A request, and what a Hasura answers to it. */
export interface Step {
  readonly role?: string | undefined
  readonly query?: string | undefined
  readonly variables?: Json | undefined
  readonly operationName?: string | undefined
  /** The body as text, instead of the three above. */
  readonly body?: string | undefined
  readonly response?: Json | undefined
}

export interface Case extends Step {
  readonly file: string
  readonly name: string
  /** The claims of the token; `none` for no token; absent for a user who has every role of the sandbox. */
  readonly token?: Json | undefined
  /** The whole Authorization header instead. */
  readonly authorization?: string | undefined
  readonly expired?: boolean | undefined
  readonly wrongKey?: boolean | undefined
  readonly status: number
  readonly response: Json
  /** Compares the order of the members too. */
  readonly ordered?: boolean | undefined
  /** Compares lists without regard to their order. */
  readonly sets?: boolean | undefined
  /** Compares only how many rows this root field has. */
  readonly count?: string | undefined
  readonly before: readonly Step[]
  readonly after: readonly Step[]
}

const json = z.custom<Json>(value => value !== undefined)
export const requestSchema = z.strictObject({
  role: z.string().optional(),
  query: z.string().optional(),
  variables: json.optional(),
  operationName: z.string().optional(),
  body: z.string().optional(),
  response: json.optional(),
})
const cases = z.array(
  requestSchema.extend({
    name: z.string(),
    token: json.optional(),
    authorization: z.string().optional(),
    expired: z.boolean().optional(),
    wrongKey: z.boolean().optional(),
    status: z
      .instanceof(JsonNumber)
      .default(new JsonNumber('200'))
      .transform(({ text }) => Number(text)),
    response: json,
    ordered: z.boolean().optional(),
    sets: z.boolean().optional(),
    count: z.string().optional(),
    before: z.array(requestSchema).default([]),
    after: z.array(requestSchema).default([]),
  }),
)

/** Every case of the YAML files beside this one. */
export function loadCases(): Case[] {
  const directory = import.meta.dirname
  return readdirSync(directory)
    .filter(file => file.endsWith('.yaml'))
    .sort()
    .flatMap(file => {
      const found = cases.parse(readYaml(readFileSync(join(directory, file), 'utf8')))
      return found.map(c => ({ ...c, file: file.replace('.yaml', '') }))
    })
}

export function readYaml(text: string): Json {
  const document = parseDocument(text)
  const [error] = document.errors
  if (error !== undefined) throw error
  return losslessJson(document.contents, document)
}

/** YAML's own numbers would lose digits: each keeps the text that it is written with. */
function losslessJson(node: Node | null, document: Document.Parsed): Json {
  if (node === null) return null
  if (isAlias(node)) return losslessJson(node.resolve(document) ?? null, document)
  if (isSeq<Node>(node)) return node.items.map(item => losslessJson(item, document))
  if (isMap<Node, Node | null>(node)) {
    return Object.fromEntries(
      node.items.map(({ key, value }) => [isScalar(key) ? String(key.value) : '', losslessJson(value, document)]),
    )
  }
  if (!isScalar(node)) return null
  const { value, source } = node
  if (typeof value === 'number') return new JsonNumber(source ?? String(value))
  return typeof value === 'string' || typeof value === 'boolean' ? value : null
}
