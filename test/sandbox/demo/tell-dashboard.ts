import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Narrator } from './narrator.ts'
import type { Sandbox } from './open-sandbox.ts'

/** Prints the link to the dashboard of the worker that has just become ready. */
export async function tellDashboard({ dataDir }: Pick<Sandbox, 'dataDir'>, narrator: Narrator): Promise<void> {
  const link = await readFile(join(dataDir, 'dashboard-link'), 'utf8')
  narrator.say('demo', `dashboard, to follow this in a browser (works once): ${link.trim()}`)
}
