import { sql } from 'kysely'
import type { Reading } from '../operations/operation.ts'
import { isWanted } from '../store/is-wanted.ts'
import type { Store } from '../store/store.ts'
import { actions } from './actions/list.ts'
import { type Html, html } from './html.ts'
import type { PageContext } from './page.ts'
import { count, link } from './parts.ts'
import type { Viewer } from './viewer.ts'
import type { Wanted } from './wanted.ts'

/** An action of a viewer: who, what, when, how many. */
export interface AuditRow {
  readonly id: string
  readonly at: Date
  readonly viewer: string
  readonly caller: string | null
  readonly action: string
  readonly wanted: Wanted
  /** Null while it runs, and if its process died. */
  readonly affected: number | null
  readonly outcome: 'done' | 'failed' | null
  readonly told: string | null
  readonly ended_at: Date | null
}

/** Written before anything changes, so that a process that dies leaves a trace. @returns its id */
export async function beginAudit(
  store: Store,
  { name, caller }: Viewer,
  action: string,
  wanted: Wanted,
): Promise<string> {
  const { id } = await store
    .insertInto('worker.audit')
    .values({ viewer: name, caller: caller ?? null, action, wanted: JSON.stringify(wanted) })
    .returning('id')
    .executeTakeFirstOrThrow()
  return id
}

export async function endAudit(
  store: Store,
  id: string,
  end: { readonly affected: number } | { readonly told: string },
): Promise<void> {
  const change = 'told' in end ? { outcome: 'failed' as const, told: end.told } : { outcome: 'done' as const, ...end }
  await sql`
    update worker.audit set outcome = ${change.outcome}, told = ${'told' in change ? change.told : null},
      affected = ${'affected' in change ? change.affected : null}, ended_at = now() where id = ${id}`.execute(store)
}

export interface AuditFilter {
  readonly account?: string | undefined
  readonly viewer?: string | undefined
  readonly action?: string | undefined
  readonly before?: string | undefined
  readonly limit: number
}

/** The newest first; of a viewer of some accounts, those that name one of them, and the viewer's own. */
export async function findAudit(
  { deps: { store }, only }: Reading,
  caller: string | undefined,
  { account, viewer, action, before, limit }: AuditFilter,
): Promise<readonly AuditRow[]> {
  const isShown =
    only === undefined ? sql`true` : sql`(wanted ->> 'account' = any(${only}::text[]) or caller = ${caller ?? null})`
  const { rows } = await sql<AuditRow>`
    select a.id::text as id, at, viewer, caller, action, wanted, affected, outcome, told, ended_at from worker.audit a
    where ${isShown} and ${account === undefined ? sql`true` : sql`wanted ->> 'account' = ${account}`}
      and ${isWanted('viewer', viewer)} and ${isWanted('action', action)}
      and ${before === undefined ? sql`true` : sql`a.id < ${before}::bigint`}
    order by a.id desc limit ${limit}`.execute(store)
  return rows
}

/** The result of an action, for the page to which it returned; undefined for another viewer's action. */
export async function noticeOf({ reading, viewer }: PageContext, id: string): Promise<Html | undefined> {
  if (!/^\d{1,18}$/.test(id)) return undefined
  const { rows } = await sql<AuditRow>`
    select * from worker.audit where id = ${id} and viewer = ${viewer.name}
      and caller is not distinct from ${viewer.caller ?? null}`.execute(reading.deps.store)
  const [row] = rows
  if (!row) return undefined
  return html`<p class="notice ${row.outcome === 'done' ? 'good' : 'bad'}" role="status">${sayOutcome(row)}. ${row.outcome === 'done' && resultOf(row)} <a href="${link('audit', { action: row.action })}">Audit</a></p>`
}

/** Where to see the result, for actions whose result is a run. */
function resultOf({ action, wanted: { account, job } }: AuditRow): Html | undefined {
  if (action === 'dry-run') {
    return html`<a href="${link('runs', { account, job, trigger: 'dry-run' })}">See what would change</a>`
  }
  if (action !== 'run' && action !== 'full' && action !== 'allow-deletions') return undefined
  return html`<a href="${link('requests', { account, job })}">See how it goes</a>`
}

function sayOutcome({ action, affected, outcome, told }: AuditRow): string {
  const title = actions[action]?.title ?? action
  if (outcome === null) return `${title}: under way, or its process ended`
  if (outcome === 'failed') return `${title} failed: ${told ?? ''}`
  return `${title}: done for ${count(affected ?? 0)}`
}
