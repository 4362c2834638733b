import { PermanentError } from '../errors.ts'

/** How large an answer may be. */
export interface AnswerLimit {
  /** Of the body, as it comes and decompressed. */
  readonly maxBytes: number
  /** What to do about an answer beyond that. */
  readonly ifTooLarge: string
}

export function answerTooLarge(host: string, { maxBytes, ifTooLarge }: AnswerLimit): PermanentError {
  return new PermanentError('too-large', {
    found: `The answer of ${host} is larger than ${showSize(maxBytes)}`,
    remedy: ifTooLarge,
  })
}

function showSize(bytes: number): string {
  return bytes >= 2 ** 20 ? `${Math.floor(bytes / 2 ** 20)} MB` : `${Math.ceil(bytes / 2 ** 10)} KB`
}
