/** Builds and packs the packages as published, and checks them with publint and are-the-types-wrong. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'

const packed = z.tuple([z.object({ filename: z.string() })])
const folder = mkdtempSync(join(tmpdir(), 'packages-'))
try {
  for (const where of [[], ['--workspace=packages/client']]) {
    execFileSync('npm', ['run', '--silent', 'build', ...where], { stdio: 'inherit' })
    const output = execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder, ...where], {
      encoding: 'utf8',
      maxBuffer: 10_000_000,
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    const [{ filename }] = packed.parse(JSON.parse(output))
    check('publint', 'run', join(folder, filename), '--strict')
    // CommonJS reaches them by a dynamic import.
    check('attw', join(folder, filename), '--profile', 'esm-only', '--format', 'ascii', '--no-emoji')
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}

function check(tool: string, ...words: string[]): void {
  execFileSync(join('node_modules/.bin', tool), words, { stdio: 'inherit' })
}
