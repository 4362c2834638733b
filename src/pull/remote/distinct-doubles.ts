import { PermanentError } from '../../errors.ts'

/**
 * Up to 38 digits, without the zeros that fill the column's scale. SQL Server writes a float with an exponent: it is compared as
 * what it is.
 */
const sqlServerDecimal = /^(-?)(\d{1,38})(?:\.(\d{0,38}?)0*)?$/

/**
 * A page starts after the end of the previous one. If both are doubles to the API, rows that follow may equal that end, and would
 * be skipped.
 *
 * @throws PermanentError (`digits-in-order`) if a decimal has so many digits that the next one may be the same double
 */
export function requireDistinct(column: string, decimal: string): void {
  const [, sign = '', whole, fraction = ''] = sqlServerDecimal.exec(decimal) ?? []
  if (whole === undefined) return
  const digits = BigInt(`${sign}${whole}${fraction}`)
  const [before, itself, after] = [digits - 1n, digits, digits + 1n].map(each => Number(`${each}e-${fraction.length}`))
  if (before !== itself && itself !== after) return
  throw new PermanentError('digits-in-order', {
    found: `"${column}" holds decimals with more digits than a float keeps, but identifies or orders rows`,
    remedy: 'choose other columns, because Hasura compares decimals of SQL Server as floats, so rows would be skipped',
  })
}
