/** One line of a scrape. */
export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/**
 * Reads Prometheus' text format, version 0.0.4, as strictly as Prometheus does.
 *
 * @throws on a line that is none
 */
export function readExposition(text: string): readonly Sample[] {
  const lines = text.split('\n').filter(line => line !== '' && !line.startsWith('#'))
  return lines.map(line => {
    const {
      name,
      labels = '',
      value,
    } = /^(?<name>[a-zA-Z_:][\w:]*)(?:\{(?<labels>.*)\})? (?<value>\S+)$/s.exec(line)?.groups ?? {}
    if (name === undefined || (Number.isNaN(Number(value)) && value !== 'Nan')) throw new Error(`no sample: ${line}`)
    const pairs = [...labels.matchAll(/([a-zA-Z_]\w*)="((?:[^"\\\n]|\\[\\n"])*)"(?:,|$)/g)]
    if (pairs.map(([pair]) => pair).join('') !== labels) throw new Error(`no labels: ${line}`)
    return {
      name,
      labels: Object.fromEntries(pairs.map(([, key = '', raw = '']) => [key, unquote(raw)])),
      value: Number(value),
    }
  })
}

function unquote(raw: string): string {
  return raw.replaceAll(/\\(.)/gs, (_all, escaped: string) => (escaped === 'n' ? '\n' : escaped))
}

/** The samples of one metric, as label values in the order of `labels` and the value. */
export function samplesOf(samples: readonly Sample[], name: string, ...labels: readonly string[]) {
  return samples
    .filter(sample => sample.name === name)
    .map(sample => [...labels.map(label => sample.labels[label]), sample.value])
    .toSorted()
}
