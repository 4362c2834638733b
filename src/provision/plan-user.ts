import type { ClientRole, ProvisionTarget } from './provision-target.ts'
import type { RealmState } from './realm-state.ts'
import type { Obstacle, Plan, Step, UserChange } from './step.ts'

/** The service account's user: its roles, email and group. */
export function planUser(state: RealmState, target: ProvisionTarget, roles: readonly ClientRole[]): Plan {
  const assigned = roles.map(role => planRole(state, target, role))
  const joined = planGroup(state, target)
  return {
    steps: [...assigned.flatMap(each => each.steps), ...planDetails(state, target), ...joined.steps],
    obstacles: [
      ...new Map(assigned.flatMap(each => each.obstacles).map(each => [each.found, each])).values(),
      ...joined.obstacles,
    ],
  }
}

function planRole(
  { realm, roleClients }: RealmState,
  { clientId }: ProvisionTarget,
  { client, role }: ClientRole,
): Plan {
  const state = roleClients.get(client)
  if (!state) {
    return blockedBy({
      check: 'job-roles',
      found: `realm "${realm}" has no client "${client}", whose roles are required`,
      advice: 'name the client that has the roles with --client',
    })
  }
  if (!state.roles.includes(role)) {
    const known = state.roles.length > 0 ? state.roles.join(', ') : 'none'
    return blockedBy({
      check: 'job-roles',
      found: `client "${client}" has no role "${role}" (it has ${known})`,
      advice: `choose others with --role, or create it under Clients → ${client} → Roles`,
    })
  }
  const steps: Step[] = []
  if (!state.held.includes(role)) {
    steps.push({
      action: { kind: 'assign-role', client, role },
      check: 'job-roles',
      found: `role "${role}" of client "${client}" is not assigned to the service account`,
      sentence: `assign role "${role}" of client "${client}" to the service account`,
      place: `Clients → ${clientId} → Service account roles`,
    })
  }
  if (state.letThrough && !state.letThrough.includes(role)) {
    steps.push({
      action: { kind: 'let-role-through', client, role },
      check: 'job-roles',
      found: `Full scope allowed is off, and role "${role}" of client "${client}" is not in the scope of client "${clientId}"`,
      sentence: `put role "${role}" of client "${client}" into the scope of client "${clientId}"`,
      place: `Clients → ${clientId} → Client scopes → ${clientId}-dedicated → Scope`,
    })
  }
  return { steps, obstacles: state.enabled ? [] : [disabled(client)] }
}

/** Others decide about that client. Before these versions, tokens have its roles all the same. */
function disabled(client: string): Obstacle {
  return {
    check: 'job-roles',
    found: `client "${client}" is disabled, so since Keycloak 26.6.8 and 26.7.5 no token has its roles`,
    advice: `enable client "${client}" (Clients → ${client} → Settings → Enabled)`,
    isSuspected: true,
  }
}

function planDetails({ user }: RealmState, target: ProvisionTarget): readonly Step[] {
  const { clientId } = target
  const page = placeOfUser(clientId)
  const place = `${page} → Details`
  const plan = (check: Step['check'], change: UserChange, found: string, sentence: string): Step => ({
    action: { kind: 'change-user', change },
    check,
    found: `the service account's user ${found}`,
    sentence,
    place,
  })
  const steps: Step[] = []
  if (user && !user.enabled) {
    steps.push(plan('client-auth', { enabled: true }, 'is disabled', "enable the service account's user"))
  }
  if (!target.needsEmail) return steps
  const email = target.email ?? user?.email ?? makeEmail(clientId)
  // Keycloak stores addresses in lower case.
  if (user?.email !== email.toLowerCase()) {
    const found = user?.email === undefined ? 'has no email' : `has the email ${user.email}`
    // Keycloak treats a changed address as unverified.
    const change = { email, emailVerified: true }
    steps.push(plan('email', change, found, `set the email ${email}, and Email verified`))
  } else if (!user.emailVerified) {
    steps.push(plan('email', { emailVerified: true }, 'has an email that is not verified', 'set Email verified'))
  }
  return steps
}

/** An address that nobody has and no mail is sent to (RFC 2606, section 2). */
function makeEmail(clientId: string): string {
  const name = clientId
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
  return `${name.slice(0, 60) || 'client'}@service-account.invalid`
}

function planGroup({ realm, groups, user }: RealmState, { group, clientId }: ProvisionTarget): Plan {
  if (group === undefined) return { steps: [], obstacles: [] }
  const [found, ...more] = groups
  if (!found) {
    return blockedBy({
      check: 'email',
      found: `realm "${realm}" has no group "${group}"`,
      advice: 'choose an existing one under Groups, because the creator of a group decides what it may see',
    })
  }
  if (more.length > 0) {
    return blockedBy({
      check: 'email',
      found: `several groups are called "${group}": ${groups.map(({ path }) => path).join(', ')}`,
      advice: 'give the path of one of them with --group',
    })
  }
  if (user?.groups.includes(found.path)) return { steps: [], obstacles: [] }
  const page = placeOfUser(clientId)
  const step: Step = {
    action: { kind: 'join-group', groupId: found.id },
    check: 'first-login',
    found: `the service account's user is not in the group ${found.path}`,
    sentence: `add the service account's user to the group ${found.path}`,
    place: `${page} → Groups`,
  }
  return { steps: [step], obstacles: [] }
}

/** The list of users omits service accounts. */
function placeOfUser(clientId: string): string {
  return `Clients → ${clientId} → Service account roles → service-account-${clientId}`
}

function blockedBy(obstacle: Obstacle): Plan {
  return { steps: [], obstacles: [obstacle] }
}
