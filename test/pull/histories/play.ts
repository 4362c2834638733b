import type { TestApp } from '../../fixtures/open-test-app.ts'
import type { AccountState } from './account-state.ts'
import type { Definition, Write } from './history.ts'
import type { FeedCopy } from './mirrored-rows.ts'
import type { Source, Written } from './source.ts'

interface PlayAccount {
  readonly name: string
  readonly state: AccountState
  readonly feed: FeedCopy
}

/** A history that is played: the source, the app and what each account's mirror should have. */
export interface Play {
  readonly app: TestApp
  readonly definition: Definition
  readonly source: Source
  readonly accounts: readonly [PlayAccount, PlayAccount]
  /** The account whose run is reading. */
  reading: string | undefined
}

export async function write(play: Play, given: Write): Promise<Written> {
  const written = await play.source.write(given)
  for (const { name, state } of play.accounts) {
    for (const effect of written.effects) state.add(effect, play.reading === name)
  }
  return written
}

export async function writeAll(play: Play, writes: readonly Write[]): Promise<void> {
  for (const each of writes) await write(play, each)
}
