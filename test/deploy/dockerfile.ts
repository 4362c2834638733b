export interface Instruction {
  readonly keyword: string
  readonly rest: string
}

export interface Stage {
  /** Where it has none, `final`. */
  readonly name: string
  /** All but `FROM`. */
  readonly instructions: readonly Instruction[]
}

/** Parses a Dockerfile without heredocs. What stands before the first `FROM` is left out. */
export function parseDockerfile(text: string): readonly Stage[] {
  const [, ...stages] = text
    .replaceAll(/^\s*#.*\n/gm, '')
    .replaceAll(/\\\n\s*/g, ' ')
    .split(/^FROM /m)
  return stages.map(stage => {
    const [image = '', ...lines] = stage.split('\n')
    const [, name = 'final'] = / AS (\w+)$/.exec(image) ?? []
    const instructions = lines
      .map(line => /^([A-Z]+) +(.*)$/.exec(line))
      .filter(found => found !== null)
      .map(([, keyword = '', rest = '']) => ({ keyword, rest }))
    return { name, instructions }
  })
}
