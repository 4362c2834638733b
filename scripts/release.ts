/**
 * `npm run release -- 1.2.3`: moves Unreleased of the changelog under the version, sets it in package.json and the lock file, pins
 * the migrations, commits and tags. It refuses before changing anything, and doesn't publish.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { replaceFunctions } from '../src/store/functions/statements.ts'
import { migrationStatements } from '../src/store/migrations.ts'
import { cutChangelog, versionPattern } from './cut-changelog.ts'
import { pinMigrations } from './released-migrations.ts'

const [version = ''] = process.argv.slice(2)
if (!versionPattern.test(version)) refuse(`"${version}" is not a version`, 'npm run release -- 1.2.3')
if (git('status', '--porcelain') !== '') refuse('The working tree has changes', 'commit or discard them')
const tag = `v${version}`
if (git('tag', '--list', tag) !== '') refuse(`Tag ${tag} already exists`, 'give the next version')

const changelog = cutChangelog(readFileSync('CHANGELOG.md', 'utf8'), version, new Date().toISOString().slice(0, 10))
if (changelog === undefined) {
  refuse('CHANGELOG.md has nothing under Unreleased', 'add what users will notice')
}
writeFileSync('CHANGELOG.md', changelog)
// From now on databases have executed them; a test compares.
const pins = pinMigrations(migrationStatements, replaceFunctions)
writeFileSync('schema/released-migrations.json', `${JSON.stringify(pins, undefined, 2)}\n`)
execFileSync('npm', ['version', version, '--no-git-tag-version', '--allow-same-version', '--ignore-scripts'], {
  stdio: ['ignore', 'ignore', 'inherit'],
})
git('add', 'CHANGELOG.md', 'package.json', 'package-lock.json', 'schema/released-migrations.json')
git('commit', '--quiet', '--message', `release: ${version}`)
git('tag', '--annotate', tag, '--message', `hasura-sync-worker ${version}`)
console.log(`${tag} is tagged. Publish it: git push --follow-tags && npm publish`)

function git(...words: string[]): string {
  return execFileSync('git', words, { encoding: 'utf8' }).trim()
}

function refuse(found: string, remedy: string): never {
  console.error(`${found}: ${remedy}.`)
  process.exit(2)
}
