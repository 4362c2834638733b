import { isJsonObject, type Json, JsonNumber, parseJson, stringifyJson, toPlain } from '../hasura/lossless-json.ts'
import { hasuraClaims, signToken } from '../hasura/sign-token.ts'
import { difference } from './compare-json.ts'
import type { Case, Step } from './load-cases.ts'

export interface Target {
  readonly url: string
  /** What the API verifies HS256 signatures with. */
  readonly jwtSecret: string
}

/** Runs a case with what it has before and after; gives what differs, in words, or undefined. */
export async function runCase(testCase: Case, target: Target): Promise<string | undefined> {
  const failures: string[] = []
  try {
    for (const step of testCase.before) failures.push(...(await runStep('before', step, target)))
    failures.push(...(await runItself(testCase, target)))
  } catch (error) {
    failures.push(`the request failed: ${String(error)}`)
  }
  // A case leaves nothing behind, whatever came of it: the API may be one that can't be reset.
  for (const step of testCase.after) {
    failures.push(...(await runStep('after', step, target).catch(error => [`after: ${String(error)}`])))
  }
  return failures.length === 0 ? undefined : failures.join('\n    ')
}

async function runItself(testCase: Case, target: Target): Promise<string[]> {
  const { status, body } = await send(testCase, await authorizationOf(testCase, target), target.url)
  if (status !== testCase.status) return [`HTTP ${status}, expected ${testCase.status}: ${body}`]
  const answer = parseJson(body)
  const actual = testCase.count === undefined ? answer : { count: rowCount(answer, testCase.count) }
  const found = difference(actual, testCase.response, testCase)
  return found === undefined ? [] : [`${found}\n    answered ${body.slice(0, 2000)}`]
}

/** @returns what differs from the response that it expects, or an error that it doesn't */
export async function runStep(when: string, step: Step, target: Target): Promise<string[]> {
  const { body } = await send(step, `Bearer ${await signToken(everyRole, target.jwtSecret)}`, target.url)
  const answer = parseJson(body)
  if (step.response !== undefined) {
    const found = difference(answer, step.response)
    return found === undefined ? [] : [`${when}: ${found}`]
  }
  return isJsonObject(answer) && answer.errors !== undefined ? [`${when}: ${body}`] : []
}

async function send(
  step: Step,
  authorization: string | undefined,
  url: string,
): Promise<{ status: number; body: string }> {
  const { query, variables, operationName } = step
  const members: { [key: string]: Json } = {
    ...(query !== undefined && { query }),
    ...(variables !== undefined && { variables }),
    ...(operationName !== undefined && { operationName }),
  }
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(authorization !== undefined && { authorization }),
      ...(step.role !== undefined && { 'x-hasura-role': step.role }),
    },
    body: step.body ?? stringifyJson(members),
    signal: AbortSignal.timeout(20_000),
  })
  return { status: response.status, body: await response.text() }
}

async function authorizationOf(testCase: Case, target: Target): Promise<string | undefined> {
  const { token, authorization, expired, wrongKey } = testCase
  if (authorization !== undefined) return authorization
  if (token === 'none') return undefined
  const claims = token === undefined ? everyRole : toPlain(token)
  if (typeof claims !== 'object' || claims === null) throw new Error('a token is an object of claims, or none')
  const times = expired ? { iat: 1_600_000_000, exp: 1_600_000_060 } : {}
  const secret = wrongKey ? `${target.jwtSecret.slice(1)}?` : target.jwtSecret
  return `Bearer ${await signToken({ ...Object.fromEntries(Object.entries(claims)), ...times }, secret)}`
}

export const everyRole = hasuraClaims('a0000000-0000-4000-8000-000000000002', [
  'viewer',
  'editor',
  'manager',
  'restorer',
  'auditor',
])

function rowCount(answer: Json, field: string): Json {
  const rows = isJsonObject(answer) && isJsonObject(answer.data) ? answer.data[field] : undefined
  return Array.isArray(rows) ? new JsonNumber(String(rows.length)) : null
}
