/**
 * Runs after `npm ci` and `npm install`, on the machine's Node. If that is too old, the Node of tools/node is installed, from a
 * lock file with its checksum, and linked where npm's scripts look first. If it is new enough, nothing is installed, and the link
 * that an older one needed is removed.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, symlinkSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const project = dirname(dirname(fileURLToPath(import.meta.url)))
const tool = join(project, 'tools/node')
const copy = join(tool, 'node_modules/.bin/node')
const link = join(project, 'node_modules/.bin/node')
// `node` in PATH may be the link of an earlier install.
const { npm_node_execpath: host = process.execPath, npm_execpath: npm } = process.env

/** The first version that runs src/ unchanged: it strips types and supports `using`. */
const needed = 24
rmSync(link, { force: true })
if (majorOf(host) < needed) provide()

function provide() {
  const advice = `install Node ${needed} or later (https://nodejs.org/en/download), then run "npm ci" again`
  if (npm === undefined) fail(`Node ${majorOf(host)} is too old: ${advice}`)
  // The environment holds options of the outer npm, which don't apply here.
  const always = ['--no-package-lock-only', '--no-dry-run', '--include=optional', '--no-audit', '--no-fund']
  execFileSync(host, [npm, 'ci', '--prefix', tool, ...always], { stdio: ['ignore', 'ignore', 'inherit'] })
  if (!(majorOf(copy) >= needed)) fail(`Node ${needed} is not available for this machine: ${advice}`)
  mkdirSync(dirname(link), { recursive: true })
  symlinkSync(relative(dirname(link), copy), link)
}

/** NaN if it doesn't run here, such as one for another C library. */
function majorOf(node) {
  try {
    return Number.parseInt(execFileSync(node, ['-p', 'process.versions.node'], { encoding: 'utf8', stdio: 'pipe' }), 10)
  } catch {
    return Number.NaN
  }
}

function fail(sentence) {
  console.error(sentence)
  process.exit(1)
}
