import type { Explanation } from '../explanation.ts'

/**
 * @param name of the file, such as `.env`
 * @param text read as UTF-8
 */
export function findEncodingProblem(name: string, text: string): Explanation | undefined {
  if (!notUtf8.test(text)) return undefined
  return {
    found: `${name} is not saved as UTF-8`,
    remedy: 'save it as UTF-8, which PowerShell does with -Encoding utf8',
  }
}

/** UTF-16 has null bytes; bytes of Latin-1 became the replacement character. */
const notUtf8 = /[\0\uFFFD]/
