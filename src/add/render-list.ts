const lineWidth = 120

/** `<before>[a, b]<after>` as the formatter would have it: on one line, or each element on its own. */
export function renderList(before: string, elements: readonly string[], after: string): string {
  return renderBetween(`${before}[`, elements, `]${after}`)
}

/** `<before>(a, b)<after>`, likewise. */
export function renderCall(before: string, args: readonly string[], after: string): string {
  return renderBetween(`${before}(`, args, `)${after}`)
}

function renderBetween(before: string, parts: readonly string[], after: string): string {
  const oneLine = `${before}${parts.join(', ')}${after}`
  if (oneLine.length <= lineWidth) return oneLine
  const indent = /^ */.exec(before)?.[0] ?? ''
  return `${before}\n${parts.map(part => `${indent}  ${part},\n`).join('')}${indent}${after}`
}

/** A string literal as the formatter would have it. */
export function renderText(text: string): string {
  const escaped = text.replaceAll('\\', '\\\\')
  return text.includes("'") && !text.includes('"') ? `"${escaped}"` : `'${escaped.replaceAll("'", "\\'")}'`
}
