// Rows of 12 columns, about 560 bytes each as JSON. Both APIs serve those of the sandbox's table `articles`.

const firstInstant = Date.UTC(2025, 0, 1)
/** Leaves gaps between neighbouring ids, as in a real table. */
const idStep = 2 ** 26

/** The `n`th row, from 0, in the order of both `updated_at` and `id`. */
export function articleText(n: number): string {
  const instant = `${new Date(firstInstant + n).toISOString().slice(0, -1)}001+00:00`
  return `{"id":"${idOf(n)}","topic_id":"${topicId}","author_id":"${userId}","title":"Article ${n} of the bench","body":"${body}","status":"published","revision":${9007199254740993n + BigInt(n)},"rating":${n % 5}.12345678901234567890,"metadata":{"views": ${n % 1000}, "tags": ["bench", "row"], "source": {"system": "wiki"}},"published_at":"${instant}","created_at":"2025-01-01T00:00:00.000001+00:00","updated_at":"${instant}"}`
}

/** The number of the row with this id or instant; a fraction for a value between two rows. */
export const placeOf: Readonly<Record<'id' | 'updated_at', (text: string) => number>> = {
  id: text => Number.parseInt(text.replaceAll('-', '').slice(0, 12), 16) / idStep,
  updated_at: text => Date.parse(text) - firstInstant,
}

/** Fills the sandbox's table; here ids are random, as from `gen_random_uuid`. */
export async function insertArticles(query: (text: string) => Promise<unknown>, rows: number): Promise<void> {
  await query(`
    insert into users (id, username) values ('${userId}', 'bench');
    insert into topics (id, title, owner_id) values ('${topicId}', 'Bench', '${userId}');
    insert into articles
    select md5(n::text)::uuid, '${topicId}', '${userId}', 'Article ' || n || ' of the bench', '${body}', 'published',
      9007199254740993 + n, n % 5 + 0.12345678901234567890,
      jsonb_build_object('views', n % 1000, 'tags', '["bench", "row"]'::jsonb, 'source', '{"system": "wiki"}'::jsonb),
      instant, '2025-01-01 00:00:00.000001+00', instant
    from generate_series(0, ${rows - 1}) n, lateral (select timestamptz '2025-01-01 00:00:00.000001+00' + n / 4 * interval '1 ms' as instant) i;
    create index on articles (updated_at, id);
    analyze articles`)
}

const userId = 'a0000000-0000-4000-8000-00000000000b'
const topicId = 'b0000000-0000-4000-8000-00000000000b'
const body = 'Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor incididunt ut labore.'

function idOf(n: number): string {
  const hex = (n * idStep).toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}-4000-8000-000000000000`
}
