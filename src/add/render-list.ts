const lineWidth = 120

/** Renders `<before>[a, b]<after>` as the formatter does: on one line, or with a line per element. */
export function renderList(before: string, elements: readonly string[], after: string): string {
  return renderBetween(`${before}[`, elements, `]${after}`)
}

/** Renders `<before>(a, b)<after>` likewise. */
export function renderCall(before: string, args: readonly string[], after: string): string {
  return renderBetween(`${before}(`, args, `)${after}`)
}

function renderBetween(before: string, parts: readonly string[], after: string): string {
  const oneLine = `${before}${parts.join(', ')}${after}`
  if (oneLine.length <= lineWidth) return oneLine
  const indent = /^ */.exec(before)?.[0] ?? ''
  return `${before}\n${parts.map(part => `${indent}  ${part},\n`).join('')}${indent}${after}`
}

/** Renders a string literal as the formatter does. */
export function renderText(text: string): string {
  const escaped = text.replaceAll('\\', '\\\\')
  return text.includes("'") && !text.includes('"') ? `"${escaped}"` : `'${escaped.replaceAll("'", "\\'")}'`
}
