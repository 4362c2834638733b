/**
 * Lists the licences of everything that runs in production, from package-lock.json. Exits with 1 if one is missing or isn't among
 * those that require only a notice: then somebody must read it, and add it here or remove the package.
 */
import { readFileSync } from 'node:fs'
import { z } from 'zod'

const accepted = ['0BSD', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'ISC', 'MIT', 'MIT-0', 'Unlicense']

const lockSchema = z.object({
  packages: z.record(
    z.string(),
    z.object({
      version: z.string().optional(),
      license: z.string().optional(),
      dev: z.boolean().default(false),
      link: z.boolean().default(false),
    }),
  ),
})

const { packages } = lockSchema.parse(JSON.parse(readFileSync('package-lock.json', 'utf8')))
const shipped = Object.entries(packages)
  // A link is a package of this repository.
  .filter(([path, { dev, link }]) => path.startsWith('node_modules/') && !dev && !link)
  .map(([path, { version, license = 'none' }]) => ({
    name: `${path.split('node_modules/').at(-1)}@${version}`,
    license,
  }))
  .toSorted((a, b) => a.license.localeCompare(b.license) || a.name.localeCompare(b.name))
for (const { name, license } of shipped) console.log(`${license.padEnd(14)}${name}`)

const refused = shipped.filter(({ license }) => !accepted.includes(license))
for (const { name, license } of refused) console.error(`${name} has the licence ${license}, which is not accepted yet`)
process.exitCode = refused.length > 0 ? 1 : 0
