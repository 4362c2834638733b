import {
  defineJob,
  isMissing,
  isNotFound,
  mirrorRows,
  offsetPages,
  openListRead,
  type RestApi,
  totalOf,
} from 'hasura-sync-worker'
import { z } from 'zod'

const organizations = mirrorRows({
  into: 'phase_two_organizations',
  key: 'id',
  columns: { id: 'uuid', name: 'text', display_name: 'text', url: 'text', domains: 'jsonb', attributes: 'jsonb' },
})

const members = mirrorRows({
  into: 'phase_two_members',
  key: ['organization_id', 'user_id'],
  columns: { organization_id: 'uuid', user_id: 'text', username: 'text', email: 'text', enabled: 'boolean' },
})

const organizationSchema = z
  .object({
    id: z.uuid(),
    name: z.string(),
    displayName: z.string().nullish(),
    url: z.string().nullish(),
    domains: z.array(z.string()).default([]),
    attributes: z.record(z.string(), z.array(z.string())).default({}),
  })
  .transform(({ displayName, url, ...organization }) => ({
    ...organization,
    display_name: displayName ?? null,
    url: url ?? null,
  }))

const memberSchema = z.object({
  id: z.string(),
  username: z.string(),
  email: z.string().nullish(),
  enabled: z.boolean().nullish(),
})

/**
 * Mirrors the organizations of the account's realm and their members, including the extension's own user `org-admin-…`.
 * The requirement is essential: without the role, the list of organizations is empty instead of refused.
 */
export const syncPhaseTwoOrganizations = defineJob({
  name: 'sync-phase-two-organizations',
  requirement: { clientRoles: { 'realm-management': ['view-organizations'] } },
  payload: z.strictObject({}),
  schedule: { everySeconds: 900 },
  into: [organizations.into, members.into],
  async run({ account, api }, context) {
    const { signal, progress } = context
    const readOrganizations = await openListRead(organizations, account.name, context)
    const readMembers = await openListRead(members, account.name, context)
    for await (const { items } of offsetPages(api, { path: '/orgs', item: organizationSchema, signal })) {
      await readOrganizations.write(items)
      for (const { id } of items) {
        for await (const page of membersOf(api, id, signal)) await readMembers.write(page)
      }
      progress({ done: readOrganizations.counts.read })
    }
    await readMembers.finish(([organization = '', user = '']) =>
      isMissing(api, `/orgs/${encodeURIComponent(organization)}/members/${encodeURIComponent(user)}`, signal),
    )
    await readOrganizations.finish(([id = '']) => isMissing(api, `/orgs/${encodeURIComponent(id)}`, signal))
    return { counts: totalOf(readOrganizations.counts, readMembers.counts) }
  },
})

async function* membersOf(api: RestApi, organization: string, signal: AbortSignal) {
  const path = `/orgs/${organization}/members`
  try {
    for await (const { items } of offsetPages(api, { path, item: memberSchema, signal })) {
      yield items.map(({ id, username, email, enabled }) => ({
        organization_id: organization,
        user_id: id,
        username,
        email: email ?? null,
        enabled: enabled ?? null,
      }))
    }
  } catch (error) {
    // It may be deleted after it was listed; the end of the run checks that.
    if (!isNotFound(error)) throw error
  }
}
