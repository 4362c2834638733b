import { PermanentError } from '../errors.ts'

/** The size limit of a response. */
export interface AnswerLimit {
  /** Of the body, both as received and decompressed. */
  readonly maxBytes: number
  /** What to do about a larger response. */
  readonly ifTooLarge: string
}

export function answerTooLarge(host: string, { maxBytes, ifTooLarge }: AnswerLimit): PermanentError {
  return new PermanentError('too-large', {
    found: `The response from ${host} is larger than ${showSize(maxBytes)}`,
    remedy: ifTooLarge,
  })
}

function showSize(bytes: number): string {
  return bytes >= 2 ** 20 ? `${Math.floor(bytes / 2 ** 20)} MB` : `${Math.ceil(bytes / 2 ** 10)} KB`
}
