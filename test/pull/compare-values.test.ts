import { PGlite } from '@electric-sql/pglite'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { columnTypeOf } from '../../src/hasura/scalars.ts'
import { findComparison } from '../../src/pull/compare-values.ts'

/** Values of each type, as SQL that gives them in any order. */
const values: Readonly<Record<string, string>> = {
  int4: 'select (random() * 200 - 100)::int from generate_series(1, 60)',
  int8: `select 9223372036854775000 + n from generate_series(-30, 30) n union all select n from generate_series(-9, 9) n`,
  numeric: `select (random() * 20 - 10)::numeric(9, 3) from generate_series(1, 60) union all
    select v::numeric from unnest(array['NaN', 'Infinity', '-Infinity', '1e30', '0.1', '0.10', '0.10000000000000000001']) v`,
  float4: `select (random() * 2 - 1)::float4 * n from generate_series(1, 60) n union all
    select v::float4 from unnest(array['NaN', 'Infinity', '-Infinity', '1e30', '1e-30', '16777216', '16777217', '0', '-0']) v`,
  float8: `select random() * 10 ^ n from generate_series(-30, 30) n union all select v::float8 from unnest(array['NaN', '-0', '0']) v`,
  timestamptz: `select '1937-06-30 23:59:59.9999+00'::timestamptz + n * interval '17 microseconds' from generate_series(1, 60) n union all
    select '0001-01-02'::timestamptz - n * interval '13 hours 0.3 seconds' from generate_series(1, 20) n union all
    select '2026-10-25 00:30+00'::timestamptz + n * interval '10 minutes' from generate_series(1, 20) n union all
    select v::timestamptz from unnest(array['infinity', '-infinity', '9999-12-31', '20000-01-01', '4000-01-01 BC']) v`,
  timestamp: `select '1969-12-31 23:59:59.9999'::timestamp + n * interval '17 microseconds' from generate_series(1, 60) n union all
    select v::timestamp from unnest(array['infinity', '-infinity', '9999-12-31', '20000-01-01', '4000-01-01 BC', '0044-03-15']) v`,
  date: `select '0001-01-20'::date - n from generate_series(1, 40) n union all
    select v::date from unnest(array['infinity', '-infinity', '9999-12-31', '20000-01-01', '2026-01-01', '2026-01-02']) v`,
  uuid: 'select gen_random_uuid() from generate_series(1, 60)',
  text: `select v from unnest(array['a', 'B', 'b', 'ä', '10', '9', '']) v`,
  interval: `select v::interval from unnest(array['1 day', '24:00:00', '-1 day', '1 mon']) v`,
  bytea: `select decode(v, 'hex') from unnest(array['00', 'ff', '0100']) v`,
}

test('what is certain of two values is what Postgres says of them, in whatever zone it writes them', async () => {
  await using database = new PGlite()
  for (const zone of ['Europe/Amsterdam', 'America/St_Johns']) {
    await database.exec(`set time zone '${zone}'`)
    for (const [scalar, sql] of Object.entries(values)) {
      const { rows } = await database.query(
        `select to_json(v) #>> '{}' as text, dense_rank() over (order by v)::int as rank from (${sql}) as found (v) order by v`,
      )
      const compare = findComparison({ type: columnTypeOf(scalar, 'hasura-default'), scalar })
      const written = z.array(z.object({ text: z.string(), rank: z.number() })).parse(rows)
      const wrong = written.flatMap(a =>
        written.flatMap(b => {
          const compared = compare(a.text, b.text)
          return compared === undefined || compared === Math.sign(a.rank - b.rank) ? [] : [[a.text, b.text]]
        }),
      )
      expect(wrong, scalar).toEqual([])
    }
  }
})

test.each([
  ['int8', '9223372036854775806', '9223372036854775807'],
  ['numeric', '12.5', '12.51'],
  ['float8', '1e-7', '0.5'],
  ['timestamptz', '2026-01-01T01:00:00.000001+01:00', '2026-01-01T00:00:00.000002+00:00'],
  ['timestamp', '2026-01-01T00:00:00', '2026-01-01T00:00:00.000001'],
  ['date', '2026-01-01', '2026-01-02'],
  ['uuid', '00000000-0000-4000-8000-0000000000ff', 'a0000000-0000-4000-8000-000000000000'],
])('of two values of type %s it is certain which comes first', (scalar, first, second) => {
  const compare = findComparison({ type: columnTypeOf(scalar, 'hasura-default'), scalar })
  expect(compare(first, second)).toBe(-1)
  expect(compare(second, first)).toBe(1)
})

test('numbers of SQL Server that look equal may differ, because it writes fewer digits than a Float has', () => {
  const compare = findComparison({ type: columnTypeOf('Float', 'mssql'), scalar: 'Float' })
  expect(compare('1.5', '1.5')).toBeUndefined()
  expect(compare('1.5', '2.5')).toBe(-1)
})

test('nothing is certain of texts, and of GUIDs, which SQL Server compares from their end', () => {
  for (const scalar of ['String', 'uniqueidentifier', 'mood']) {
    const compare = findComparison({ type: columnTypeOf(scalar, 'hasura-default'), scalar })
    expect(compare('a0000000-0000-4000-8000-000000000000', 'b0000000-0000-4000-8000-000000000000')).toBeUndefined()
  }
})
