import { UsageError } from '../errors.ts'
import type { Operations } from '../operations/registry.ts'
import type { RequestGroup } from '../operations/request-reports.ts'
import type { CommandContext } from './command.ts'
import { rowOf } from './requests.ts'
import { table } from './table.ts'

export interface GroupFilter extends RequestGroup {
  readonly yes: boolean
}

/** Of many, the latest are shown. */
const mostShown = 20

/**
 * Shows what a filter finds, and asks a person whether that is meant.
 *
 * @returns the ids that were found then, the oldest first; none when the answer is no
 * @throws UsageError when there is nobody to ask and `yes` isn't given
 */
export async function confirmGroup(
  { terminal, host, signal }: CommandContext,
  operations: Operations,
  { yes, ...group }: GroupFilter,
  action: 'cancel' | 'retry',
): Promise<readonly string[]> {
  const ids = await operations.findRequestIds(group)
  if (ids.length === 0) {
    terminal.err('no requests\n')
    return []
  }
  const shown = (
    await Promise.all(group.states.map(state => operations.listRequests({ ...group, state, limit: mostShown })))
  )
    .flat()
    .filter(({ id }) => ids.includes(id))
    .slice(0, mostShown)
  terminal.err(
    table(
      shown.map(request => rowOf(request, host.clock.now())),
      '',
      terminal.columns,
    ),
  )
  const requests = ids.length === 1 ? '1 request' : `${ids.length} requests`
  terminal.err(ids.length > shown.length ? `${requests}, of which the latest are shown\n` : `${requests}\n`)
  if (yes) return ids
  if (!terminal.ask) {
    throw new UsageError({
      found: `Nobody can be asked whether to ${action} ${requests}`,
      remedy: 'give --yes to do so',
    })
  }
  const answer = await terminal.ask(`${action === 'cancel' ? 'Cancel' : 'Retry'} ${requests}? [y/N] `, signal)
  return /^y(es)?$/i.test(answer.trim()) ? ids : []
}
