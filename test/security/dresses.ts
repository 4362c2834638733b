const html = new Map([
  ['&', '&amp;'],
  ['<', '&lt;'],
  ['>', '&gt;'],
  ['"', '&quot;'],
  ["'", '&#39;'],
])
const each = (write: (code: string) => string) => (secret: string) =>
  [...secret].map(character => write(character)).join('')
export const base64 = (text: string) => Buffer.from(text).toString('base64')
export const form = (text: string) => new URLSearchParams({ '': text }).toString().slice(1)
const units = (text: string) => Array.from({ length: text.length }, (_, unit) => text.charCodeAt(unit))

/** A secret in each dress in which a server may repeat it. */
export const dresses: Readonly<Record<string, (secret: string) => string>> = {
  'as it is': secret => secret,
  'in capitals': secret => secret.replaceAll(/[a-z]/g, letter => letter.toUpperCase()),
  'URL-encoded': secret => encodeURIComponent(secret),
  'URL-encoded, lower case': secret => encodeURIComponent(secret).replaceAll(/%../g, byte => byte.toLowerCase()),
  'URL-encoded twice': secret => encodeURIComponent(encodeURIComponent(secret)),
  'every byte URL-encoded': secret =>
    [...Buffer.from(secret)].map(byte => `%${byte.toString(16).padStart(2, '0')}`).join(''),
  'form-encoded': form,
  'in Base64': base64,
  'in Base64 without padding': secret => base64(secret).replace(/=+$/, ''),
  'in base64url': secret => Buffer.from(secret).toString('base64url'),
  'as Basic credentials': secret => base64(`sync-worker:${secret}`),
  'as Basic credentials of another client': secret => base64(`abc:${secret}`),
  'as Basic credentials, form-encoded as OAuth asks': secret => base64(`sync-worker:${form(secret)}`),
  'as Basic credentials in a URL': secret => encodeURIComponent(base64(`ab:${secret}`)),
  'in hexadecimal': secret => Buffer.from(secret).toString('hex'),
  'in hexadecimal, capitals': secret => Buffer.from(secret).toString('hex').toUpperCase(),
  'in JSON': secret => JSON.stringify(secret),
  'in JSON in JSON': secret => JSON.stringify(JSON.stringify({ secret })),
  'in JSON with every unit escaped': secret =>
    units(secret)
      .map(unit => `\\u${unit.toString(16).padStart(4, '0')}`)
      .join(''),
  'in JSON that escapes slashes': secret => JSON.stringify(secret).replaceAll('/', '\\/'),
  'in HTML': each(character => html.get(character) ?? character),
  'in HTML, decimal': each(character => `&#${character.codePointAt(0)};`),
  'in HTML, hexadecimal': each(character => `&#x${character.codePointAt(0)?.toString(16)};`),
  'in HTML in JSON': secret => JSON.stringify(each(character => html.get(character) ?? character)(secret)),
}
