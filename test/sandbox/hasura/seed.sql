-- The same rows on every run: ids are numbered, times are counted from a fixed instant.

INSERT INTO public.users (id, username, display_name, email, active, created_at, updated_at)
SELECT
  ('a0000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid,
  'user' || lpad(n::text, 2, '0'),
  CASE WHEN n % 7 = 0 THEN NULL ELSE 'User ' || n END,
  'user' || lpad(n::text, 2, '0') || '@wiki.example',
  n % 10 <> 0,
  timestamptz '2025-01-01 00:00:00+00' + n * interval '1 day',
  timestamptz '2025-06-01 00:00:00.000001+00' + n * interval '1 hour 1 microsecond'
FROM generate_series(1, 40) AS n;

INSERT INTO public.topics (id, title, parent_id, owner_id, position, created_at, updated_at)
SELECT
  ('b0000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid,
  'Topic ' || lpad(n::text, 2, '0'),
  CASE WHEN n > 3 THEN ('b0000000-0000-4000-8000-' || lpad((n % 3 + 1)::text, 12, '0'))::uuid END,
  CASE WHEN n % 4 <> 0 THEN ('a0000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid END,
  n + 0.125,
  timestamptz '2025-02-01 00:00:00+00' + n * interval '1 day',
  timestamptz '2025-07-01 12:00:00.5+00' + n * interval '1 minute'
FROM generate_series(1, 12) AS n;

-- Of ten articles seven are published, two drafts, one archived. Articles 11 to 30 share one updated_at (a bulk
-- import); every fifth revision is beyond what a double holds.
INSERT INTO public.articles
  (id, topic_id, author_id, title, body, status, revision, rating, metadata, published_at, created_at, updated_at)
SELECT
  ('c0000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid,
  ('b0000000-0000-4000-8000-' || lpad((n % 12 + 1)::text, 12, '0'))::uuid,
  CASE WHEN n % 13 <> 0 THEN ('a0000000-0000-4000-8000-' || lpad((n % 40 + 1)::text, 12, '0'))::uuid END,
  'Article ' || lpad(n::text, 3, '0'),
  CASE WHEN n % 6 <> 0 THEN 'Body of article ' || n || E', "quoted" and\nover two lines' END,
  CASE WHEN n % 10 = 0 THEN 'archived' WHEN n % 10 IN (3, 6) THEN 'draft' ELSE 'published' END,
  CASE WHEN n % 5 = 0 THEN 9007199254740992 + n ELSE n END,
  CASE WHEN n % 3 = 0 THEN 1234567890.12345678901234567890 + n WHEN n % 3 = 1 THEN 0.00000000000000000001 * n END,
  CASE
    WHEN n % 4 = 0 THEN jsonb_build_object('views', 9223372036854775807::numeric + n, 'tags', jsonb_build_array('big', n))
    WHEN n % 4 = 1 THEN jsonb_build_object('ratio', 0.12345678901234567890123, 'tags', jsonb_build_array('small'))
    WHEN n % 4 = 2 THEN '{}'::jsonb
  END,
  CASE WHEN n % 10 NOT IN (0, 3, 6) THEN timestamptz '2025-03-01 08:00:00.123456+00' + n * interval '1 hour' END,
  timestamptz '2025-03-01 00:00:00+00' + n * interval '1 hour',
  CASE
    WHEN n BETWEEN 11 AND 30 THEN timestamptz '2025-08-01 00:00:00.123456+00'
    ELSE timestamptz '2025-08-02 00:00:00+00' + n * interval '1 minute 1 microsecond'
  END
FROM generate_series(1, 150) AS n;

INSERT INTO public.article_links (article_id, target_id, kind, updated_at)
SELECT
  ('c0000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid,
  ('c0000000-0000-4000-8000-' || lpad((n + d)::text, 12, '0'))::uuid,
  CASE d WHEN 1 THEN 'next' ELSE 'see-also' END,
  timestamptz '2025-08-03 00:00:00+00' + n * interval '1 second'
FROM generate_series(1, 20) AS n, generate_series(1, 2) AS d;
