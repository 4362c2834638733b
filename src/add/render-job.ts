import type { Key } from './choose-key.ts'
import type { JobNames } from './job-names.ts'
import { renderCall, renderList, renderText } from './render-list.ts'
import type { RowColumn } from './row-columns.ts'

export interface JobText {
  readonly role: string
  readonly key: Key
  readonly cursor: RowColumn | undefined
  readonly into: string
}

/** Renders the job's file. */
export function renderJob(names: JobNames, { role, key, cursor, into }: JobText): string {
  const hasNullable = key.asserted.length > 0
  return `import { pullSync${hasNullable ? ', withoutNulls' : ''} } from 'hasura-sync-worker'
import { ${names.document} } from '../generated/graphql.ts'

export const ${names.constant} = pullSync({
  name: ${renderText(names.job)},
${
  hasNullable
    ? renderWithoutNulls(
        names,
        key.asserted.map(({ mirrorName }) => mirrorName),
      )
    : `  document: ${names.document},`
}
  role: ${renderText(role)},
${renderKey(key.columns.map(({ mirrorName }) => mirrorName))}
${cursor === undefined ? '' : `  cursor: ${renderText(cursor.mirrorName)},\n`}  into: ${renderText(into)},
  schedule: { everySeconds: 300 },
})
`
}

function renderWithoutNulls({ document }: JobNames, columns: readonly string[]): string {
  const call = renderCall('  ...withoutNulls', [document, ...columns.map(renderText)], ',')
  return `  // Nullable in the API's schema: rows with a null in one of these are left out.\n${call}`
}

function renderKey(columns: readonly string[]): string {
  const [only, ...others] = columns.map(renderText)
  return others.length === 0 ? `  key: ${only},` : renderList('  key: ', [only ?? '', ...others], ',')
}
