import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { App } from '../app/app.ts'
import { addDashboard } from '../dashboard/create-dashboard.ts'
import { createKeycloakAccess } from '../dashboard/keycloak-access.ts'
import { createLinkAccess, type LinkAccess } from '../dashboard/link-access.ts'
import type { Operations } from '../operations/registry.ts'
import { createRequestEnds } from '../runs/request-ends.ts'
import type { CommandContext } from './command.ts'

/** A dashboard that learns its address once HTTP listens. */
export interface OpenDashboard {
  /** @param address on which HTTP listens */
  tell(address: string): Promise<AsyncDisposable>
}

const nothing: AsyncDisposable = { async [Symbol.asyncDispose]() {} }

/** Serves the dashboard over HTTP, as configured. */
export function openDashboard(
  context: CommandContext,
  { deps, tickets }: Pick<App, 'deps' | 'tickets'>,
  operations: Operations,
  http: Parameters<typeof addDashboard>[0],
): OpenDashboard {
  const { config, host, log, runLog } = context
  const { dashboard } = config
  const app = { deps, tickets, ends: createRequestEnds(deps) }
  const common = { app, operations, runLog, log, clock: host.clock }
  if (dashboard === 'off') {
    const remedy = 'set DASHBOARD_ISSUER, DASHBOARD_CLIENT_ID and DASHBOARD_URL to say who may open it'
    return {
      async tell() {
        log.info(`the dashboard is off; ${remedy}`)
        return nothing
      },
    }
  }
  if (dashboard === 'link') {
    const access = createLinkAccess(config.http.port, host.clock)
    addDashboard(http, { ...common, access })
    return { tell: address => tellLinks(context, access, address) }
  }
  const access = createKeycloakAccess(dashboard, host)
  addDashboard(http, { ...common, access, publicOrigin: new URL(dashboard.url).origin })
  return {
    async tell() {
      const page = `${dashboard.url}/dashboard/`
      log.info({ address: page }, `the dashboard is at ${page}, for those who log in`)
      return nothing
    },
  }
}

/**
 * Prints a link on a terminal, and another one when it has been used; never into the log. With an embedded database it is in
 * `DATA_DIR/dashboard-link` too, for this user only.
 */
async function tellLinks(
  { terminal, config, log }: CommandContext,
  access: LinkAccess,
  address: string,
): Promise<AsyncDisposable> {
  const file = config.databaseUrl === undefined ? join(config.dataDir, 'dashboard-link') : undefined
  async function tell(): Promise<void> {
    const link = `${address}${access.makeLink()}`
    if (terminal.isInteractive) terminal.err(`Dashboard (works once): ${link}\n`)
    if (file !== undefined) await writeFile(file, `${link}\n`, { mode: 0o600 })
  }
  const tellAgain = () =>
    void tell().catch(error => log.warn({ error }, 'the next link to the dashboard was not written'))
  access.onUse(tellAgain)
  await tell()
  if (!terminal.isInteractive) {
    const page = `${address}/dashboard/`
    const remedy =
      file === undefined
        ? 'to get a link that lets you in, start the worker on a terminal'
        : `the link that lets you in is in ${file}`
    log.info({ address: page, file }, `the dashboard is at ${page}; ${remedy}`)
  }
  return {
    async [Symbol.asyncDispose]() {
      if (file !== undefined) await rm(file, { force: true })
    },
  }
}
