import { UsageError } from '../errors.ts'

/** @throws UsageError when the text is no JSON */
export function parsePayload(text: string | undefined): unknown {
  if (text === undefined) return undefined
  try {
    return JSON.parse(text)
  } catch {
    throw new UsageError('--payload is not JSON: quote it for the shell, as in --payload \'{"since":"2026-01-01"}\'.')
  }
}
