import type { DerivedDocuments, UntypedDocument } from '../../hasura/derive-documents.ts'
import type { HasuraClient } from '../../hasura/hasura-client.ts'
import type { Clock } from '../../time/clock.ts'
import type { ScanOrder, Where } from './scan.ts'

/** What one account may see of one remote table, and how it is queried. */
export interface RemoteTable {
  readonly hasura: HasuraClient
  readonly clock: Clock
  /** The path of the list in `data`: `users`, or `north.users` in a namespace. */
  readonly place: string
  /** Whole rows. */
  readonly rows: UntypedDocument
  readonly derived: DerivedDocuments
  /** Filters everything that is read of it. */
  readonly where: Where
  readonly key: ScanOrder
  /** Maximum rows per page. */
  readonly pageSize: number
}
