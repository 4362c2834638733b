/**
 * Whether a `tsconfig.json` includes the files of a folder below it (TypeScript documentation, "TSConfig reference": `include`, `files`,
 * `exclude`).
 *
 * @param config may have comments, so it isn't JSON
 * @param path of the folder, relative to that of the file
 */
export function includesFolder(config: string, path: string): boolean {
  const include = findList(config, 'include') ?? (findList(config, 'files') ? [] : ['**'])
  const exclude = findList(config, 'exclude') ?? []
  return include.some(pattern => covers(pattern, path)) && !exclude.some(pattern => excludes(pattern, path))
}

function findList(config: string, name: string): readonly string[] | undefined {
  const [, list] = new RegExp(`"${name}"\\s*:\\s*\\[([^\\]]*)\\]`).exec(config) ?? []
  if (list === undefined) return undefined
  return [...list.matchAll(/"(?:\.\/)?([^"]*)"/g)].map(([, pattern = '']) => pattern)
}

/** Only the folders before the first wildcard count. */
function covers(pattern: string, path: string): boolean {
  const parts = path.split('/')
  const names = pattern.split('/').filter(name => name !== '' && name !== '.')
  const wildcard = names.findIndex(name => name.includes('*'))
  const fixed = wildcard === -1 ? names : names.slice(0, wildcard)
  return fixed.every((name, index) => index >= parts.length || parts[index] === name)
}

// Such as `packages`, `packages/*` and `**/mirror/**`.
function excludes(pattern: string, path: string): boolean {
  return `/${path}/`.includes(`/${pattern.replace(/^\*\*\//, '').replace(/(?:\/\**)+$/, '')}/`)
}
