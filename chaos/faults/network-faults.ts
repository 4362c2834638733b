import type { Disturbance, FaultProxy } from '../proxy.ts'
import type { FaultKind, Scene } from './fault-kind.ts'

const disturbances = {
  refused: () => ({ kind: 'refuse' }),
  cut: chance => ({ kind: 'cut', bytes: () => 1 + Math.floor(Math.random() * (200 + chance * 20_000)) }),
  slow: chance => ({ kind: 'delay', ms: Math.round(20 + chance * 400) }),
  silent: () => ({ kind: 'silent' }),
  lost: () => ({ kind: 'lost' }),
  half: () => ({ kind: 'half' }),
} satisfies Readonly<Record<string, (chance: number) => Disturbance>>

/** Faults between the workers and their servers, for one worker or all. */
export const networkFaults: readonly FaultKind[] = [
  ...Object.entries(disturbances).map(
    ([name, disturbance]): FaultKind => ({
      name: `postgres-connections-${name}`,
      breaks: 'store-link',
      backends: ['redis', 'postgres'],
      // Only these lose the answer to a claim.
      weight: name === 'half' || name === 'lost' ? 3 : 1,
      lasts: [1_500, 9_000],
      begin: (scene, fault) => disturb(linksOf(scene, fault.target, 'store'), disturbance(fault.chance)),
    }),
  ),
  ...Object.entries(disturbances).map(
    ([name, disturbance]): FaultKind => ({
      name: `redis-connections-${name}`,
      breaks: 'redis-link',
      backends: ['redis'],
      lasts: [1_500, 9_000],
      begin: (scene, fault) => disturb(linksOf(scene, fault.target, 'redis'), disturbance(fault.chance)),
    }),
  ),
  ...(['refused', 'cut', 'silent'] as const).map(
    (name): FaultKind => ({
      name: `api-connections-${name}`,
      breaks: 'api',
      lasts: [1_500, 8_000],
      begin: ({ world }, { chance }) => disturb([world.apiProxy], disturbances[name](chance)),
    }),
  ),
  ...(['refused', 'silent'] as const).map(
    (name): FaultKind => ({
      name: `issuer-connections-${name}`,
      breaks: 'issuer',
      lasts: [1_500, 8_000],
      begin: ({ world }) => disturb([world.issuerProxy], disturbances[name]()),
    }),
  ),
]

async function disturb(proxies: readonly FaultProxy[], disturbance: Disturbance): Promise<() => Promise<void>> {
  for (const proxy of proxies) await proxy.disturb(disturbance)
  return async () => {
    for (const proxy of proxies) await proxy.mend()
  }
}

function linksOf({ workers }: Scene, target: string, link: 'store' | 'redis'): readonly FaultProxy[] {
  const which = target.split(':')[1]
  return workers.all
    .filter(({ number }) => which === 'all' || number === Number(which))
    .flatMap(worker => worker[link] ?? [])
}
