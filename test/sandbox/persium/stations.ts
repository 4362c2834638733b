export interface Station {
  readonly uuid: string
  /** Whose it is; not shown. */
  readonly organisation_uuid: string
  readonly name: string
  readonly latitude: number
  readonly longitude: number
  readonly status: 'online' | 'offline'
  readonly last_updated: string
  readonly daqi: { readonly value: number; readonly base_on: string }
}

/** So many stations of one organisation, the same in every run. */
export function seedStations(count: number, organisationUuid: string): Station[] {
  return Array.from({ length: count }, (_, index) => ({
    uuid: `11111111-0000-4000-8000-${index.toString(16).padStart(12, '0')}`,
    organisation_uuid: organisationUuid,
    name: `Station ${index}`,
    latitude: 51 + index / 1_000,
    longitude: -0.1 - index / 1_000,
    status: index % 7 === 6 ? 'offline' : 'online',
    last_updated: new Date(Date.UTC(2026, 4, 19, 10) + index * 60_000).toISOString(),
    daqi: { value: 1 + (index % 10), base_on: 'PM25' },
  }))
}
