export const many = { accounts: 1_000, runs: 1_000_000, waiting: 100_000, failed: 10_000, mirrored: 200_000 }

/**
 * Statements that fill a store as a large installation would over months: `many` of each, every account with these jobs.
 *
 * @param jobs three names; the first ones write mirror table `notes`
 */
export function fillStore(jobs: readonly [string, string, string]): readonly string[] {
  const [first] = jobs
  const job = `(array['${jobs.join("', '")}'])[1 + n % 3]`
  const lines = `generate_series(0, ${many.accounts - 1}) a cross join unnest(array['${jobs.join("', '")}']) j`
  const request = (id: string, state: string, count: number, ended: string) =>
    `insert into worker.requests (id, account, job, payload, payload_hash, trigger, caller, priority, rank, state, ended_at,
        error_code, error_found)
      select '${id}' || n, 'account-' || n % ${many.accounts}, ${id === 'f' ? `'${first}'` : job}, jsonb_build_object('keys', jsonb_build_array(jsonb_build_array('${id}' || n))),
        md5('${id}' || n), 'cli', 'cli', 'normal', now(), '${state}', ${ended},
        case when '${state}' = 'failed' then 'graphql' end, case when '${state}' = 'failed' then 'It answers an error' end
      from generate_series(1, ${count}) n`
  return [
    `insert into worker.accounts (name, issuer, subject, endpoint, first_login)
      select 'account-' || n, '', '', '', 'visible' from generate_series(0, ${many.accounts - 1}) n on conflict do nothing`,
    `with alive as (
        insert into worker.processes (id, host, pid, expires_at)
        values (gen_random_uuid(), 'elsewhere', 1, now() + interval '1 hour') returning id)
      insert into worker.served_lines (process, account, job, after_bootstrap)
      select alive.id, 'account-' || a, j, false from alive cross join ${lines}`,
    `insert into worker.leases (account, job, fence, succeeded_at)
      select 'account-' || a, j, 7, now() - a * interval '1 second' from ${lines} on conflict do nothing`,
    `insert into worker.schedules (account, job, rule, next_run_at, last_run_at)
      select 'account-' || a, j, 'every 300 s', now() + a * interval '1 second', now() - interval '1 minute' from ${lines}
      on conflict do nothing`,
    `insert into worker.runs (id, request_id, account, job, trigger, attempt, state, process, fence, started_at, finished_at, counts)
      select gen_random_uuid(), 'r' || n, 'account-' || n % ${many.accounts}, ${job}, 'schedule', 1,
        case when n % 100 = 0 then 'failed' else 'succeeded' end, gen_random_uuid(), n,
        now() - (${many.runs} - n) * interval '1 second', now() - (${many.runs} - n) * interval '1 second', '{"read": 5, "inserted": 2}'
      from generate_series(1, ${many.runs}) n`,
    request('w', 'waiting', many.waiting, 'null'),
    request('f', 'failed', many.failed, 'now()'),
    `insert into worker.holds (account, job, met_by, code, found, remedy, probe_at)
      select 'account-' || n, '${first}', 'run', 'deletion-guard', '300 of the 400 rows are no longer visible',
        'restore the permission', now() + interval '1 hour' from generate_series(1, 200) n`,
    `insert into worker.missing_rows (account, job, here, missing, keys)
      select 'account-' || n, '${first}', 400, 300, (select jsonb_agg(jsonb_build_array(k::text)) from generate_series(1, 200) k)
      from generate_series(1, 200) n`,
    `create table if not exists mirror.notes (_account text, id int, title text, _synced_at timestamptz not null default now(),
        _deleted_at timestamptz, _revived_at timestamptz, _change bigint unique, primary key (_account, id))`,
    `insert into mirror.notes (_account, id, title, _synced_at, _change)
      select 'account-' || n % 200, n / 200, 'note ' || md5(n::text), now() - n * interval '1 second', n
      from generate_series(1, ${many.mirrored}) n`,
    `insert into worker.change_counters (mirror, last) values ('notes', ${many.mirrored}) on conflict do nothing`,
    `insert into worker.audit (viewer, action, wanted, affected, outcome, ended_at)
      select 'somebody', 'run', jsonb_build_object('account', 'account-' || n % ${many.accounts}), 1, 'done', now()
      from generate_series(1, 10000) n`,
    'vacuum analyze',
  ]
}

/** A page for each question, with and without filters. */
export function manyPages([job]: readonly [string, ...string[]]): readonly string[] {
  return [
    '',
    'accounts',
    'accounts?after=account-500',
    'account?name=account-7',
    'jobs',
    `job?name=${job}`,
    `line?account=account-7&job=${job}`,
    `missing?account=account-7&job=${job}`,
    'requests',
    'requests?state=waiting',
    'requests?state=failed',
    'requests?state=failed&account=account-7',
    `requests?job=${job}`,
    'request?id=w7',
    'runs',
    'runs?state=failed',
    'runs?state=refused',
    'runs?account=account-7',
    `runs?account=account-7&job=${job}&state=failed`,
    'tables',
    'table?name=notes',
    'holds',
    'holds?account=account-7',
    'schedules',
    'subscribers',
    'audit',
    'audit?account=account-7',
    'confirm?action=retry&state=failed',
    `confirm?action=run&job=${job}`,
    `confirm?action=allow-deletions&account=account-7&job=${job}`,
  ]
}
