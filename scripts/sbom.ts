/**
 * Prints a bill of materials (CycloneDX) of what is shipped. `npm sbom --omit=dev` omits packages that a development tool also needs,
 * such as zod, so this requests everything and removes the packages that are only for development.
 */
import { execFileSync } from 'node:child_process'
import { z } from 'zod'

const bomSchema = z.looseObject({
  components: z.array(
    z.looseObject({
      'bom-ref': z.string(),
      properties: z.array(z.object({ name: z.string(), value: z.string() })),
    }),
  ),
  dependencies: z.array(z.looseObject({ ref: z.string(), dependsOn: z.array(z.string()).default([]) })),
})

const output = execFileSync(
  'npm',
  ['sbom', '--sbom-format=cyclonedx', '--sbom-type=application', '--package-lock-only', '--workspaces=false'],
  {
    maxBuffer: 100_000_000,
  },
)
const bom = bomSchema.parse(JSON.parse(output.toString()))
const components = bom.components.filter(
  ({ properties }) => !properties.some(({ name }) => name === 'cdx:npm:package:development'),
)
const left = new Set(bom.components.filter(component => !components.includes(component)).map(it => it['bom-ref']))
const dependencies = bom.dependencies
  .filter(({ ref }) => !left.has(ref))
  .map(({ dependsOn, ...dependency }) => ({ ...dependency, dependsOn: dependsOn.filter(ref => !left.has(ref)) }))
console.log(JSON.stringify({ ...bom, components, dependencies }, null, 2))
