/**
 * How long a caller would wait for its response: the preference `wait` of RFC 7240, section 4.3. The first of several counts, and
 * an invalid one is ignored.
 *
 * @param prefer the header, where several are joined by commas
 * @returns seconds; 0 for none
 */
export function readWait(prefer: string | readonly string[] | undefined): number {
  for (const preference of [prefer ?? []].flat().join(',').split(',')) {
    const [name = '', value = ''] = (preference.split(';')[0] ?? '').split('=').map(part => part.trim())
    if (name.toLowerCase() !== 'wait') continue
    const [, seconds] = /^"?(\d{1,9})"?$/.exec(value) ?? []
    return Number(seconds ?? 0)
  }
  return 0
}
