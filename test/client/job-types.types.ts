import { z } from 'zod'
import { createClient } from '../../packages/client/src/index.ts'
import { bootstrapAccount, defineJob, defineSpec } from '../../src/index.ts'

const rebuild = defineJob({
  name: 'rebuild',
  payload: z.strictObject({ since: z.coerce.date<string>() }),
  run: async () => ({}),
})
const tidy = defineSpec({ name: 'tidy', payload: z.strictObject({ deep: z.boolean().optional() }) })
const jobs = [rebuild, bootstrapAccount([])] as const
const specs = [rebuild, tidy] as const

export async function check(): Promise<void> {
  const ofJobs = createClient<typeof jobs>({ url: 'https://worker.example', token: 't' })
  const ofSpecs = createClient<typeof specs>({ url: 'https://worker.example', token: 't' })
  await ofJobs.request('rebuild', { since: '2026-01-01' }, { account: 'north' })
  await ofSpecs.request('tidy')
  await ofSpecs.request('tidy', { deep: true })

  // @ts-expect-error there is no such job
  await ofJobs.request('tidy')
  // @ts-expect-error the payload is needed
  await ofJobs.request('rebuild')
  // @ts-expect-error the payload's input, not its output
  await ofJobs.request('rebuild', { since: new Date() })
  // @ts-expect-error no such field
  await ofSpecs.request('tidy', { depth: 1 })
}
