import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { cutChangelog } from '../../scripts/cut-changelog.ts'
import { projectFolder } from '../docs/markdown.ts'

const execute = promisify(execFile)
const older = '## [0.1.0] - 2026-01-01\n\n### Added\n\n- The first one.\n'

describe('what is cut from the changelog', () => {
  test.each([
    ['before an older version', `# Changelog\n\n## [Unreleased]\n\n### Added\n\n- A door.\n\n${older}`],
    ['at the end', '# Changelog\n\n## [Unreleased]\n\n### Added\n\n- A door.\n'],
    ['before links', '# Changelog\n\n## [Unreleased]\n\n### Added\n\n- A door.\n\n[Unreleased]: https://example.com\n'],
  ])('%s', (_where, changelog) => {
    expect(cutChangelog(changelog, '1.2.3', '2026-11-27')).toBe(
      changelog.replace('## [Unreleased]\n', '## [Unreleased]\n\n## [1.2.3] - 2026-11-27\n'),
    )
  })

  test.each([
    ['nothing', `## [Unreleased]\n\n${older}`],
    ['only headings', `## [Unreleased]\n\n### Added\n\n### Fixed\n\n${older}`],
    ['no such part', older],
  ])('is none where there is %s', (_what, changelog) => {
    expect(cutChangelog(changelog, '1.2.3', '2026-11-27')).toBeUndefined()
  })
})

describe('a release', () => {
  let folder = ''
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'release-'))
    await cp(join(projectFolder, 'scripts'), join(folder, 'scripts'), { recursive: true })
    await cp(join(projectFolder, 'src/store'), join(folder, 'src/store'), { recursive: true })
    await mkdir(join(folder, 'schema'))
    await symlink(join(projectFolder, 'node_modules'), join(folder, 'node_modules'))
    await write('package.json', '{\n  "name": "scratch",\n  "version": "0.1.0",\n  "type": "module"\n}\n')
    await write(
      'package-lock.json',
      JSON.stringify({ name: 'scratch', version: '0.1.0', lockfileVersion: 3, packages: {} }),
    )
    await write('CHANGELOG.md', `# Changelog\n\n## [Unreleased]\n\n- A door.\n\n${older}`)
    await git('init', '--quiet')
    await git('add', '.')
    await git('commit', '--quiet', '--message', 'scratch')
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  const write = (path: string, content: string) => writeFile(join(folder, path), content)
  const read = (path: string) => readFile(join(folder, path), 'utf8')
  const person = { GIT_AUTHOR_NAME: 'A', GIT_AUTHOR_EMAIL: 'a@example.com' }
  const env = {
    ...process.env,
    ...person,
    GIT_COMMITTER_NAME: 'A',
    GIT_COMMITTER_EMAIL: 'a@example.com',
    GIT_CONFIG_GLOBAL: '/dev/null',
  }
  const git = async (...words: string[]) => (await execute('git', words, { cwd: folder, env })).stdout.trim()
  const release = (version: string) => execute(process.execPath, ['scripts/release.ts', version], { cwd: folder, env })

  test('is one commit with a tag, and a second one needs something new', async () => {
    await release('1.2.3')
    expect(JSON.parse(await read('package.json'))).toMatchObject({ version: '1.2.3' })
    expect(JSON.parse(await read('package-lock.json'))).toMatchObject({ version: '1.2.3' })
    expect(await read('CHANGELOG.md')).toMatch(/## \[Unreleased\]\n\n## \[1\.2\.3\] - [\d-]+\n\n- A door\.\n/)
    expect(JSON.parse(await read('schema/released-migrations.json'))).toMatchObject({
      migrations: { '0001_requests_runs_and_leases': expect.stringMatching(/^[0-9a-f]{64}$/) },
      functions: { by: expect.stringMatching(/^\d{4}_/) },
    })
    expect(await git('status', '--porcelain')).toBe('')
    expect(await git('rev-list', '--count', 'HEAD')).toBe('2')
    expect(await git('describe')).toBe('v1.2.3')
    await expect(release('1.2.4')).rejects.toThrow('nothing under Unreleased')
    await expect(release('1.2.3')).rejects.toThrow('Tag v1.2.3 already exists')
    expect(await git('status', '--porcelain')).toBe('')
  })

  test.each(['', '1.2', 'v1.2.3', '1.2.3; rm'])('is refused for version %j', async version => {
    await expect(release(version)).rejects.toThrow('is not a version')
  })

  test('is refused while the tree has changes', async () => {
    await write('new.txt', '')
    await expect(release('1.2.3')).rejects.toThrow('The working tree has changes')
    expect(await git('tag')).toBe('')
  })
})
