import type { Counts } from '../guards.ts'
import type { World } from '../world.ts'

/** Counts guards by what is in the store. */
export async function countStoreGuards({ onStore }: Pick<World, 'onStore'>, guards: Counts): Promise<void> {
  const rows = await onStore<{ guard: string; times: number }>(`
    select 'lost claim put back' as guard, count(*)::int as times from chaos.interruptions_log where found like 'The answer to the claim%'
    union all select 'reaped', count(*)::int from chaos.interruptions_log where found like 'The process that ran it%'
    union all select 'superseded', count(*)::int from chaos.requests_log where state = 'superseded' and was = 'running'
    union all select 'waits again', count(*)::int from chaos.requests_log where was = 'running' and state = 'waiting'
    union all select 'tick counted as missed', coalesce(sum(missed), 0)::int from chaos.ticks_log
    union all select 'tick absorbed', count(*)::int from chaos.ticks_log t where t.made and exists (
      select from chaos.requests_log r where r.xid = t.xid and r.account = t.account and r.job = t.job and r.was = 'waiting')`)
  for (const { guard, times } of rows) guards.add(guard, times)
}
