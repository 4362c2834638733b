import { defineJob, isMissing, mirrorRows, numberedPages, openListRead } from 'hasura-sync-worker'
import { z } from 'zod'

const stations = mirrorRows({
  into: 'persium_stations',
  key: 'uuid',
  columns: {
    uuid: 'uuid',
    organisation_uuid: 'uuid',
    name: 'text',
    latitude: 'double precision',
    longitude: 'double precision',
    status: 'text',
    last_updated: 'timestamp with time zone',
    daqi: 'jsonb',
  },
})

const meSchema = z.object({ organisation_uuid: z.uuid() })

const stationSchema = z.object({
  uuid: z.uuid(),
  name: z.string(),
  latitude: z.number().nullable(),
  longitude: z.number().nullable(),
  status: z.string(),
  last_updated: z.iso.datetime({ offset: true }).nullable(),
  daqi: z.unknown().transform(value => value ?? null),
})

/** Mirrors the stations of the client's organisation, which `/me` names. */
export const syncPersiumStations = defineJob({
  name: 'sync-persium-stations',
  payload: z.strictObject({}),
  schedule: { everySeconds: 300 },
  into: stations.into,
  async run({ account, api }, context) {
    const { signal, progress } = context
    const { organisation_uuid } = await api.get('/me', { schema: meSchema, signal })
    const read = await openListRead(stations, account.name, context)
    for await (const { items } of numberedPages(api, { path: '/stations', item: stationSchema, signal })) {
      await read.write(items.map(station => ({ ...station, organisation_uuid })))
      progress({ done: read.counts.read })
    }
    await read.finish(([uuid = '']) => isMissing(api, `/stations/${encodeURIComponent(uuid)}`, signal))
    return { counts: read.counts }
  },
})
