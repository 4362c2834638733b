-- A wiki: topics form a tree, articles belong to a topic, articles link to each other.

CREATE FUNCTION public.touch_updated_at() RETURNS trigger
  LANGUAGE plpgsql
AS $$
BEGIN
  -- An update that sets the column itself (an import, a restore) keeps its value.
  IF NEW.updated_at IS NOT DISTINCT FROM OLD.updated_at THEN
    NEW.updated_at := now();
  END IF;
  RETURN NEW;
END;
$$;

CREATE TABLE public.users (
  id uuid PRIMARY KEY,
  username text NOT NULL UNIQUE,
  display_name text,
  email text,
  active boolean NOT NULL DEFAULT true,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE public.topics (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  title text NOT NULL,
  parent_id uuid REFERENCES public.topics (id),
  owner_id uuid REFERENCES public.users (id),
  position numeric NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE public.articles (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  topic_id uuid NOT NULL REFERENCES public.topics (id),
  author_id uuid REFERENCES public.users (id),
  title text NOT NULL,
  body text,
  status text NOT NULL DEFAULT 'draft' CHECK (status IN ('draft', 'published', 'archived')),
  revision bigint NOT NULL DEFAULT 1,
  rating numeric(30, 20),
  metadata jsonb,
  published_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX articles_updated_at_id ON public.articles (updated_at, id);

CREATE TABLE public.article_links (
  article_id uuid NOT NULL REFERENCES public.articles (id) ON DELETE CASCADE,
  target_id uuid NOT NULL REFERENCES public.articles (id) ON DELETE CASCADE,
  kind text NOT NULL DEFAULT 'see-also',
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (article_id, target_id, kind)
);

CREATE TRIGGER users_touch BEFORE UPDATE ON public.users
  FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at();
CREATE TRIGGER topics_touch BEFORE UPDATE ON public.topics
  FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at();
CREATE TRIGGER articles_touch BEFORE UPDATE ON public.articles
  FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at();
CREATE TRIGGER article_links_touch BEFORE UPDATE ON public.article_links
  FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at();

-- An account exists here only once it has called this: the identity provider knows it earlier than the wiki does.
CREATE FUNCTION public.refresh_users(hasura_session json) RETURNS SETOF public.users
  LANGUAGE sql VOLATILE
AS $$
  INSERT INTO public.users (id, username)
  VALUES (
    (hasura_session ->> 'x-hasura-user-id')::uuid,
    coalesce(hasura_session ->> 'x-hasura-username', hasura_session ->> 'x-hasura-user-id')
  )
  ON CONFLICT (id) DO UPDATE SET active = true
  RETURNING *;
$$;

-- Read-only: what a search box asks.
CREATE FUNCTION public.search_articles(search text) RETURNS SETOF public.articles
  LANGUAGE sql STABLE
AS $$
  SELECT * FROM public.articles WHERE title ILIKE '%' || search || '%';
$$;
