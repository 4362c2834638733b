import { sql } from 'kysely'
import type { Requirement } from '../../account.ts'
import { type Claims, parseClaims } from '../../auth/claims.ts'
import { readHasuraClaims } from '../../auth/hasura-claims.ts'
import { jobsOf } from '../../definitions/account-jobs.ts'
import { readSafely } from '../../failures/read-safely.ts'
import { listNames } from '../../names/list-names.ts'
import type { Reading } from '../../operations/operation.ts'
import type { FirstLoginState } from '../../store/schema.ts'

export interface AccountRow {
  readonly name: string
  readonly endpoint: string | null
  readonly first_login: FirstLoginState
  readonly first_login_note: string | null
  readonly bootstrapped_at: Date | null
  readonly holds: number
  readonly running: number
  readonly waiting: number
  readonly oldest_success: Date | null
  /** By this process's clock; null without a token in this process. */
  readonly token_until: Date | null
}

export interface AccountFilter {
  /** A part of the name. */
  readonly search?: string | undefined
  readonly isHeld?: boolean | undefined
  /** Only accounts whose names come after this one. */
  readonly after?: string | undefined
  readonly limit: number
}

interface StateRow extends Omit<AccountRow, 'endpoint' | 'token_until'> {}

/** The configured accounts by name, those with holds first on request. */
export async function findAccounts(
  { deps }: Reading,
  { search, isHeld, after, limit }: AccountFilter,
): Promise<{ readonly accounts: readonly AccountRow[]; readonly total: number; readonly hasMore: boolean }> {
  const { store, accounts } = deps
  const wanted = search?.toLowerCase()
  const held = isHeld ? await findHeldNames(deps) : undefined
  const all = [...accounts.keys()]
    .filter(name => (wanted === undefined || name.toLowerCase().includes(wanted)) && (!held || held.has(name)))
    .toSorted()
  const rest = after === undefined ? all : all.filter(name => name > after)
  const names = rest.slice(0, limit)
  const { rows } = await sql<StateRow>`
    select n.name, coalesce(a.first_login, 'pending') as first_login, a.first_login_note, a.bootstrapped_at,
      (select count(*)::int from worker.holds h where h.account = n.name) as holds,
      (select count(*)::int from worker.leases l where l.account = n.name and l.run_id is not null) as running,
      (select min(l.succeeded_at) from worker.leases l where l.account = n.name) as oldest_success,
      (select count(*)::int from (select from worker.requests r
        where r.account = n.name and r.state = 'waiting' and r.reserved_for is null limit 1000) w) as waiting
    from unnest(${names}::text[]) with ordinality as n(name, place)
    left join worker.accounts a on a.name = n.name order by n.place`.execute(store)
  const described = rows.map(row => {
    const access = accounts.get(row.name)
    const token = access?.tokens.peek()
    return {
      ...row,
      endpoint: access?.account.hasura?.url ?? null,
      token_until: token ? new Date(token.expiresAt) : null,
    }
  })
  return { accounts: described, total: all.length, hasMore: rest.length > limit }
}

async function findHeldNames({ store }: Pick<Reading['deps'], 'store'>): Promise<ReadonlySet<string>> {
  const { rows } = await sql<{ account: string }>`select distinct account from worker.holds`.execute(store)
  return new Set(rows.map(({ account }) => account))
}

/** What this process's token says; never the token itself. */
export interface TokenFacts {
  readonly issuer: string
  readonly subject: string
  readonly client: string | undefined
  readonly issuedAt: Date | undefined
  readonly expiresAt: Date
  readonly roles: readonly HeldRole[]
  /** Of the account's jobs, and not in the token. */
  readonly missing: readonly string[]
  readonly scopes: readonly string[]
}

export interface HeldRole {
  readonly name: string
  /** Jobs that run as it. */
  readonly jobs: readonly string[]
}

/** @returns undefined while this process holds no token for the account */
export function findTokenFacts({ deps: { accounts, jobs } }: Reading, name: string): TokenFacts | undefined {
  const access = accounts.get(name)
  const token = access?.tokens.peek()
  if (!access || !token) return undefined
  const claims = readSafely(() => parseClaims(token.value))
  if (!claims) return undefined
  const needed = new Map<string, string[]>()
  for (const job of jobsOf(access.account, jobs.values())) {
    for (const role of rolesOf(job.requirement)) needed.set(role, [...(needed.get(role) ?? []), job.name])
  }
  const { hasura } = access.account
  const held = hasura ? readSafely(() => readHasuraClaims(claims, hasura.claims).allowedRoles) : []
  const names = [...new Set([...(held ?? []), ...namesOf(claims.clientRoles)])]
  return {
    issuer: claims.issuer,
    subject: claims.subject,
    client: claims.authorizedParty,
    issuedAt: claims.issuedAt === undefined ? undefined : new Date(claims.issuedAt),
    expiresAt: new Date(token.expiresAt),
    roles: names.map(role => ({ name: role, jobs: needed.get(role) ?? [] })),
    missing: [...needed.keys()].filter(role => !names.includes(role)),
    scopes: claims.scopes,
  }
}

function rolesOf(requirement: Requirement | undefined): readonly string[] {
  if (!requirement || 'scopes' in requirement) return []
  if ('role' in requirement) return [requirement.role]
  return namesOf(requirement.clientRoles)
}

function namesOf(clientRoles: Claims['clientRoles']): readonly string[] {
  return Object.entries(clientRoles).flatMap(([client, roles]) => roles.map(role => `${client}/${role}`))
}

/** What a job requires, in words. */
export function sayRequirement(requirement: Requirement | undefined): string {
  if (requirement && 'scopes' in requirement) return `scopes ${listNames(requirement.scopes)}`
  const roles = rolesOf(requirement)
  return roles.length > 0 ? `role ${listNames(roles)}` : 'nothing'
}

export interface RefusalRow {
  readonly id: string
  readonly job: string
  readonly started_at: Date
  readonly error_code: string | null
  readonly error_found: string | null
  readonly error_remedy: string | null
}

/** The last run that the gate refused, among the newest runs of all accounts. */
export async function findLastRefusal({ deps: { store } }: Reading, account: string): Promise<RefusalRow | undefined> {
  const { rows } = await sql<RefusalRow>`
    select id, job, started_at, error_code, error_found, error_remedy from worker.runs
    where seq > (select max(seq) - 50000 from worker.runs) and account = ${account} and state = 'refused'
    order by seq desc limit 1`.execute(store)
  return rows[0]
}

export interface LineRow {
  readonly job: string
  readonly succeeded_at: Date | null
  readonly next_run_at: Date | null
  readonly paused: boolean | null
  readonly every_ms: number | null
  readonly running: boolean
  readonly held: boolean
  readonly waiting: number
}

/** The lines of an account, or of a job over accounts. */
export async function findLines(
  { deps: { store } }: Reading,
  lines: readonly { readonly account: string; readonly job: string }[],
): Promise<readonly (LineRow & { readonly account: string })[]> {
  const { rows } = await sql<LineRow & { account: string }>`
    select n.account, n.job, l.succeeded_at, s.next_run_at, s.paused, l.run_id is not null as running,
      (extract(epoch from s.next_run_at - s.last_run_at) * 1000)::float8 as every_ms,
      exists (select from worker.holds_of(n.account, n.job)) as held,
      (select count(*)::int from (select from worker.requests r where r.account = n.account and r.job = n.job
        and r.state = 'waiting' and r.reserved_for is null limit 1000) w) as waiting
    from unnest(${lines.map(line => line.account)}::text[], ${lines.map(line => line.job)}::text[])
      with ordinality as n(account, job, place)
    left join worker.leases l on l.account = n.account and l.job = n.job
    left join worker.schedules s on s.account = n.account and s.job = n.job order by n.place`.execute(store)
  return rows
}
