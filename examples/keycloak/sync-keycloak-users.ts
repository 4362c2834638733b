import { defineJob, mirrorRows, openListRead, parseAnswer, type Session } from 'hasura-sync-worker'
import { z } from 'zod'

const users = mirrorRows({
  into: 'keycloak_users',
  key: 'id',
  columns: {
    // Not a uuid: a federated user's id begins with the federation's.
    id: 'text',
    username: 'text',
    email: 'text',
    email_verified: 'boolean',
    first_name: 'text',
    last_name: 'text',
    enabled: 'boolean',
    created_at: 'timestamp with time zone',
  },
})

/** A part of Keycloak's UserRepresentation, which omits fields without a value. */
const userSchema = z
  .object({
    id: z.string(),
    username: z.string(),
    email: z.string().nullish(),
    emailVerified: z.boolean().nullish(),
    firstName: z.string().nullish(),
    lastName: z.string().nullish(),
    enabled: z.boolean().nullish(),
    createdTimestamp: z.number().nullish(),
  })
  .transform(user => ({
    id: user.id,
    username: user.username,
    email: user.email ?? null,
    email_verified: user.emailVerified ?? null,
    first_name: user.firstName ?? null,
    last_name: user.lastName ?? null,
    enabled: user.enabled ?? null,
    created_at: user.createdTimestamp == null ? null : new Date(user.createdTimestamp).toISOString(),
  }))

/** Mirrors the users of the account's own realm. Service accounts are not among them. */
export const syncKeycloakUsers = defineJob({
  name: 'sync-keycloak-users',
  requirement: { clientRoles: { 'realm-management': ['view-users'] } },
  payload: z.strictObject({}),
  schedule: { everySeconds: 900 },
  into: users.into,
  async run(session, context) {
    const { signal, progress } = context
    const read = await openListRead(users, session.account.name, context)
    for await (const page of readUsers(session, signal)) {
      await read.write(page)
      progress({ done: read.counts.read })
    }
    const keycloak = await session.keycloak(signal)
    await read.finish(async ([id = '']) => (await keycloak.users.findOne({ id })) == null)
    return { counts: read.counts }
  },
})

const pageSize = 100

/** Only an empty page is the end: a short page may omit users that the account may not see. */
async function* readUsers(session: Session, signal: AbortSignal) {
  const keycloak = await session.keycloak(signal)
  for (let first = 0; ; ) {
    const answer = await keycloak.users.find({ first, max: pageSize, briefRepresentation: true })
    const page = parseAnswer(z.array(userSchema), answer, 'users.find')
    if (page.length === 0) return
    yield page
    first += page.length
  }
}
