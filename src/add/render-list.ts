const lineWidth = 120

/** `<before>[a, b]<after>` as the formatter would have it: on one line, or each element on its own. */
export function renderList(before: string, elements: readonly string[], after: string): string {
  const oneLine = `${before}[${elements.join(', ')}]${after}`
  if (oneLine.length <= lineWidth) return oneLine
  const indent = /^ */.exec(before)?.[0] ?? ''
  return `${before}[\n${elements.map(element => `${indent}  ${element},\n`).join('')}${indent}]${after}`
}

/** A string literal as the formatter would have it. */
export function renderText(text: string): string {
  const escaped = text.replaceAll('\\', '\\\\')
  return text.includes("'") && !text.includes('"') ? `"${escaped}"` : `'${escaped.replaceAll("'", "\\'")}'`
}
