import { UsageError } from '../errors.ts'
import type { Operations } from '../operations/registry.ts'
import type { RequestGroup } from '../operations/request-group-filter.ts'
import type { CommandContext } from './command.ts'
import { rowOf } from './requests.ts'
import { table } from './table.ts'

export interface GroupFilter extends RequestGroup {
  readonly yes: boolean
}

/** If there are more, the latest are shown. */
const mostShown = 20

/**
 * Shows the requests that a filter selects and asks for confirmation.
 *
 * @returns the ids that were shown, oldest first; none when the answer is no
 * @throws UsageError without a terminal and without `yes`
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
      terminal.errColumns?.(),
    ),
  )
  const requests = ids.length === 1 ? '1 request' : `${ids.length} requests`
  terminal.err(ids.length > shown.length ? `${requests}; the latest are shown\n` : `${requests}\n`)
  if (yes) return ids
  if (!terminal.ask) {
    throw new UsageError({
      found: `No terminal to ask whether to ${action} ${requests}`,
      remedy: 'give --yes to skip the question',
    })
  }
  const answer = await terminal.ask(`${action === 'cancel' ? 'Cancel' : 'Retry'} ${requests}? [y/N] `, signal)
  return /^y(es)?$/i.test(answer.trim()) ? ids : []
}
