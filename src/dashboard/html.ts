/** HTML that is safe to send; only `html` and `inputValue` create it. */
export class Html {
  readonly #text: string

  private constructor(text: string) {
    this.#text = text
  }

  toString(): string {
    return this.#text
  }

  /**
   * A template whose values are escaped, for content and for attributes in double quotes. Lists are joined; `undefined`,
   * `null` and `false` are nothing.
   */
  static readonly template = (parts: TemplateStringsArray, ...values: readonly HtmlValue[]): Html =>
    new Html(parts.reduce((text, part, index) => `${text}${render(values[index - 1])}${part}`))

  /** What somebody entered, for an attribute in double quotes: the browser sends it again, so no character is shown as its code. */
  static readonly input = (value: string): Html => new Html(value.replaceAll(markup, entityOf))
}

/** What a template takes; other objects are refused by their type. */
export type HtmlValue = Html | string | number | bigint | undefined | null | false | readonly HtmlValue[]

export const html = Html.template
export const inputValue = Html.input

function render(value: HtmlValue): string {
  if (value === undefined || value === null || value === false) return ''
  if (value instanceof Html) return value.toString()
  if (typeof value === 'object') return value.map(render).join('')
  return escapeText(String(value))
}

const entities: ReadonlyMap<string, string> = new Map([
  ['&', '&amp;'],
  ['<', '&lt;'],
  ['>', '&gt;'],
  ['"', '&quot;'],
  ["'", '&#39;'],
])

/**
 * Characters that change how the text around them is read (control characters, overrides of the writing direction) are shown as
 * their code: names come from tokens, schemas and other people.
 */
const misread = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu
const markup = /[&<>"']/g

const entityOf = (character: string): string => entities.get(character) ?? character

function escapeText(text: string): string {
  return text.replaceAll(markup, entityOf).replaceAll(misread, found => (found === '\n' ? found : showCode(found)))
}

function showCode(character: string): string {
  return `⟨U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}⟩`
}
