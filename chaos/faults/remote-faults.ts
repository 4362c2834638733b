import { writeFile } from 'node:fs/promises'
import type { Fault as ApiFault } from '../../test/sandbox/hasura/faults.ts'
import type { IdentityFault } from '../../test/sandbox/identity/identity-fault.ts'
import type { FaultKind } from './fault-kind.ts'

/** Faults of the API and the issuer, and of an account there. */
export const remoteFaults: readonly FaultKind[] = [
  apiFault('api-answers-500', () => ({ kind: 'status', status: 500, body: 'oops' })),
  apiFault('api-answers-429', chance => ({
    kind: 'status',
    status: 429,
    headers: { 'retry-after': String(1 + Math.floor(chance * 5)) },
  })),
  apiFault('api-answers-html', () => ({ kind: 'html' })),
  apiFault('api-answers-half', () => ({ kind: 'cut-off' })),
  apiFault('api-is-slow', chance => ({ kind: 'latency', ms: Math.round(500 + chance * 3_000) })),
  apiFault('api-hangs', () => ({ kind: 'hang' })),
  apiFault('api-answers-unexpected', () => ({
    kind: 'graphql-error',
    code: 'unexpected',
    message: 'database query error',
  })),
  restartFault('api'),
  issuerFault('issuer-answers-500', () => ({ kind: 'status', status: 500 })),
  issuerFault('issuer-answers-429', chance => ({
    kind: 'status',
    status: 429,
    headers: { 'retry-after': String(1 + Math.floor(chance * 4)) },
  })),
  issuerFault('issuer-answers-html', () => ({ kind: 'html' })),
  issuerFault('issuer-answers-half', () => ({ kind: 'cut-off' })),
  restartFault('issuer'),
  {
    name: 'issuer-rotates-its-keys',
    breaks: 'issuer',
    lasts: [0, 0],
    async begin({ world }) {
      await world.issuer.rotateKeys()
      return () => {}
    },
  },
  {
    name: 'role-revoked',
    breaks: 'account',
    lasts: [3_000, 12_000],
    begin({ world }, { target }) {
      const account = accountOf(target)
      world.issuer.setRoles(account, ['other'])
      return () => world.issuer.setRoles(account, ['viewer'])
    },
  },
  {
    name: 'secret-rotated',
    breaks: 'account',
    lasts: [1_000, 10_000],
    begin({ world }, { target }) {
      const account = accountOf(target)
      const secret = crypto.randomUUID()
      world.issuer.rotateSecret(account, secret)
      return () => writeFile(world.secretFile(account), secret)
    },
  },
]

function accountOf(target: string): string {
  return target.split(':')[1] ?? ''
}

function apiFault(name: string, fault: (chance: number) => ApiFault): FaultKind {
  return {
    name,
    breaks: 'api',
    lasts: [1_500, 8_000],
    begin: ({ world }, { chance }) => world.api.fault({}, fault(chance)),
  }
}

function restartFault(part: 'api' | 'issuer'): FaultKind {
  return {
    name: `${part}-restarted`,
    breaks: part,
    lasts: [500, 6_000],
    async begin({ world }) {
      await world[part].stop()
      return () => world[part].start()
    },
  }
}

function issuerFault(name: string, fault: (chance: number) => IdentityFault): FaultKind {
  return {
    name,
    breaks: 'issuer',
    lasts: [2_000, 9_000],
    begin: ({ world }, { chance }) => world.issuer.fault('token', fault(chance)),
  }
}
