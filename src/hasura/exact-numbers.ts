/** ECMAScript 2026, in Node since 21; TypeScript's own libraries don't know it yet. */
declare global {
  interface JSON {
    rawJSON(text: string): { readonly rawJSON: string }
    isRawJSON(value: unknown): value is { readonly rawJSON: string }
  }
}

/**
 * Parses JSON so that it can be written again digit by digit: a number that JavaScript would write in another way becomes an
 * object that `JSON.stringify` writes as it was.
 */
export function parseKeepingDigits(text: string): unknown {
  return JSON.parse(text, (_key, value: unknown, context?: { readonly source?: string }) => {
    const source = context?.source
    return typeof value === 'number' && source !== undefined && String(value) !== source ? JSON.rawJSON(source) : value
  })
}
