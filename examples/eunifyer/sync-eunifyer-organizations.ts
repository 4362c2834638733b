import { cursorPages, defineJob, isMissing, mirrorRows, openListRead } from 'hasura-sync-worker'
import { z } from 'zod'

const organizations = mirrorRows({
  into: 'eunifyer_organizations',
  key: 'id',
  columns: {
    id: 'uuid',
    name: 'text',
    slug: 'text',
    status: 'text',
    billing_email: 'text',
    created_at: 'timestamp with time zone',
  },
})

const organizationSchema = z.object({
  id: z.uuid(),
  name: z.string(),
  slug: z.string(),
  status: z.string(),
  billing_email: z.string().nullable(),
  created_at: z.iso.datetime({ offset: true }),
})

/** Mirrors the organizations that the partner manages. Every run reads all of them, because the list has no filter for changes. */
export const syncEunifyerOrganizations = defineJob({
  name: 'sync-eunifyer-organizations',
  requirement: { scopes: ['partner:orgs:read'] },
  payload: z.strictObject({}),
  schedule: { everySeconds: 900 },
  into: organizations.into,
  async run({ account, api }, context) {
    const { signal, progress } = context
    const read = await openListRead(organizations, account.name, context)
    for await (const { items } of cursorPages(api, { path: '/partner/orgs', item: organizationSchema, signal })) {
      await read.write(items)
      progress({ done: read.counts.read })
    }
    await read.finish(([id = '']) => isMissing(api, `/partner/orgs/${encodeURIComponent(id)}`, signal))
    return { counts: read.counts }
  },
})
