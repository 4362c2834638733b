import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { openHome, startWorker } from '../cli/run-command.ts'
import { projectFolder, readDocument } from '../docs/markdown.ts'
import { openSandbox } from '../fixtures/open-sandbox.ts'
import { createDatabase, hasPostgres } from '../services/postgres.ts'
import { hasPromtool, runPromtool } from '../services/promtool.ts'
import { createRedis, hasRedis } from '../services/redis.ts'
import { readExposition } from './exposition.ts'

const rulesPath = join(projectFolder, 'deploy/alerts.yaml')
const rules = z
  .object({
    groups: z.array(
      z.strictObject({
        name: z.string(),
        rules: z.array(
          z.strictObject({
            alert: z.string(),
            expr: z.string(),
            for: z
              .string()
              .regex(/^\d+[mh]$/)
              .optional(),
            labels: z.strictObject({ severity: z.enum(['critical', 'warning', 'info']) }),
            annotations: z.strictObject({ summary: z.string(), description: z.string() }),
          }),
        ),
      }),
    ),
  })
  .parse(parse(readDocument('deploy/alerts.yaml')))
  .groups.flatMap(group => group.rules)

const panels = z
  .object({
    panels: z.array(
      z.object({
        id: z.int(),
        title: z.string().min(1),
        description: z.string().min(1),
        gridPos: z.object({ x: z.int(), y: z.int(), w: z.int(), h: z.int() }),
        targets: z.array(z.object({ expr: z.string(), refId: z.string() })).min(1),
      }),
    ),
  })
  .parse(JSON.parse(readDocument('deploy/grafana-dashboard.json'))).panels

describe('what a real worker tells', () => {
  let text = ''
  const opened = new AsyncDisposableStack()
  afterAll(() => opened.disposeAsync())

  test('counts its runs', async () => {
    const sandbox = opened.use(await openSandbox())
    const home = opened.use(await openHome(sandbox, 'scraped'))
    const services =
      hasPostgres && hasRedis
        ? {
            DATABASE_URL: opened.use(await createDatabase()).url,
            REDIS_URL: opened.use(await createRedis()).url,
          }
        : {}
    const worker = opened.use(
      await startWorker({ ...home.env, ...services, METRICS_PORT: '0', METRICS_ACCOUNTS: 'true' }),
    )
    const { address } = z.object({ address: z.string() }).parse(
      JSON.parse(
        worker
          .err()
          .split('\n')
          .find(line => line.includes('metrics are served')) ?? '{}',
      ),
    )
    await expect
      .poll(async () => {
        text = await (await fetch(`${address}/metrics`)).text()
        return text
      })
      .toContain('hasura_sync_runs_total{job_name="sync-articles",account="default",outcome="succeeded"} 1')
    expect(text).toContain('hasura_sync_runs_total{job_name="sync-articles",account="default",outcome="failed"} 0')
  })
  test('has each metric that a rule, a panel or the documentation names', () => {
    const known = new Set(
      [...text.matchAll(/^# TYPE (\S+) (\w+)$/gm)].flatMap(([, name = '', type]) =>
        type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`, name] : [name],
      ),
    )
    const ofRedis = new Set(['hasura_sync_queue_up', 'hasura_sync_tickets'])
    const told = [
      ...rules.map(({ expr }) => expr),
      ...panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
      readDocument('docs/operations.md'),
    ].join('\n')
    const named = [...new Set(told.match(/\b(?:hasura_sync|nodejs|process)_[a-z0-9_]+[a-z0-9]\b/g))]
    expect(named.length).toBeGreaterThan(20)
    expect(named.filter(name => !known.has(name) && (known.has('hasura_sync_tickets') || !ofRedis.has(name)))).toEqual(
      [],
    )
  })

  test('says all of it in the documentation', () => {
    const names = new Set(readExposition(text).flatMap(({ name }) => (name.startsWith('hasura_sync_') ? [name] : [])))
    const documented = readDocument('docs/operations.md')
    const isTold = (name: string) => documented.includes(`\`${name.replace(/_(?:bucket|sum|count)$/, '')}\``)
    expect([...names].filter(name => !isTold(name))).toEqual([])
  })

  test('holds no secret', () => {
    expect(text).not.toContain('secret-of-scraped')
  })

  test.runIf(hasPromtool)('is what Prometheus reads', () => {
    runPromtool(['check', 'metrics'], text.replaceAll(/^(?:process|nodejs)_.*\n/gm, ''))
  })
})

test('the dashboard has panels that do not lie on each other', () => {
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
  const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
    Array.from({ length: w * h }, (_cell, at) => `${x + (at % w)}/${y + Math.floor(at / w)}`),
  )
  expect(new Set(cells).size).toBe(cells.length)
})

test('neither a rule nor a panel mixes what several deployments tell one Prometheus', () => {
  const aggregations = rules.flatMap(({ expr }) => expr.match(/\b(?:count|max|sum)\b.{0,25}/g) ?? [])
  expect(aggregations.length).toBeGreaterThan(10)
  expect(aggregations.filter(each => !/^\w+ by \(namespace[,)]/.test(each))).toEqual([])
  const selectors = panels.flatMap(({ targets }) =>
    targets.flatMap(({ expr }) => expr.match(/\b(?:hasura_sync|nodejs|process)_\w+(?:\{[^}]*\})?/g) ?? []),
  )
  expect(selectors.length).toBeGreaterThan(20)
  expect(selectors.filter(each => !each.includes('{namespace="$namespace"'))).toEqual([])
})

test('each alert is explained', () => {
  const documented = readDocument('docs/operations.md')
  expect(rules.map(({ alert }) => alert).filter(alert => !documented.includes(`| \`${alert}\` |`))).toEqual([])
})

describe.runIf(hasPromtool)('by promtool', () => {
  const folder = mkdtempSync(join(tmpdir(), 'hasura-sync-worker-rules-'))
  afterAll(() => rmSync(folder, { recursive: true }))

  test('the rules are valid', () => {
    runPromtool(['check', 'rules', rulesPath])
  })

  test('each panel asks something that Prometheus understands', () => {
    const asked = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr.replaceAll('$__rate_interval', '1m')))
    const file = join(folder, 'panels.json')
    writeFileSync(
      file,
      JSON.stringify({
        groups: [{ name: 'panels', rules: asked.map((expr, at) => ({ record: `panel${at}`, expr })) }],
      }),
    )
    runPromtool(['check', 'rules', file])
  })

  test('an alert fires when it should, and not before', () => {
    const series = (name: string, values: string) => ({ series: name, values })
    const firing = (alertname: string, at: string, ...labels: readonly object[]) => ({
      alertname,
      eval_time: at,
      labels,
    })
    const cases = [
      {
        input: [
          series('hasura_sync_last_success_age_seconds{job_name="slow",instance="a"}', '0+60x140'),
          series('hasura_sync_schedule_interval_seconds{job_name="slow",instance="a"}', '1800x140'),
          series('hasura_sync_last_success_age_seconds{job_name="on-demand",instance="a"}', '0+60x140'),
          series('hasura_sync_workers{instance="a"}', '1x140'),
        ],
        alerts: [
          firing('HasuraSyncJobStale', '120m'),
          firing('HasuraSyncJobStale', '130m', { severity: 'warning', job_name: 'slow' }),
          firing('HasuraSyncNoWorker', '130m'),
        ],
      },
      {
        input: [
          series('hasura_sync_workers{instance="a"}', '0x20'),
          series('hasura_sync_store_up{instance="a"}', '0x20'),
        ],
        alerts: [
          firing('HasuraSyncNoWorker', '6m', { severity: 'critical' }),
          firing('HasuraSyncStoreDown', '4m'),
          firing('HasuraSyncStoreDown', '6m', { severity: 'critical' }),
        ],
      },
      {
        input: [
          series('hasura_sync_oldest_hold_age_seconds{job_name="",code="claims",instance="a"}', '0+60x60'),
          series('hasura_sync_oldest_request_age_seconds{job_name="a",instance="a"}', '0+60x60'),
          series('hasura_sync_webhooks_stopped{job_name="hook",state="parked",instance="a"}', '_x20 1x40'),
        ],
        alerts: [
          firing('HasuraSyncHold', '14m'),
          firing('HasuraSyncHold', '25m', { severity: 'warning', code: 'claims' }),
          firing('HasuraSyncRequestsWait', '25m', { severity: 'warning', job_name: 'a' }),
          firing('HasuraSyncWebhookStopped', '20m'),
          firing('HasuraSyncWebhookStopped', '30m', { severity: 'warning', job_name: 'hook', state: 'parked' }),
        ],
      },
      {
        input: [series('hasura_sync_oldest_run_age_seconds{job_name="hung",instance="a"}', '0+60x400')],
        alerts: [
          firing('HasuraSyncRunLong', '360m'),
          firing('HasuraSyncRunLong', '370m', { severity: 'warning', job_name: 'hung' }),
        ],
      },
      // The first run after a night without ticks takes a quarter of an hour.
      {
        input: [
          series('hasura_sync_last_success_age_seconds{job_name="by-day",instance="a"}', '0+60x735 0+60x60'),
          series('hasura_sync_schedule_interval_seconds{job_name="by-day",instance="a"}', '43200x720 600x75'),
        ],
        alerts: ['719m', '726m', '734m', '780m'].map(at => firing('HasuraSyncJobStale', at)),
      },
      // Two deployments. In production all processes end after an hour, in staging the same job runs once a day.
      {
        input: [
          series('hasura_sync_workers{namespace="staging",instance="a"}', '1x1600'),
          series('hasura_sync_workers{namespace="production",instance="b"}', '1x60 stale'),
          series('hasura_sync_last_success_age_seconds{namespace="staging",job_name="a"}', '0+60x1600'),
          series('hasura_sync_schedule_interval_seconds{namespace="staging",job_name="a"}', '86400x1600'),
          series('hasura_sync_last_success_age_seconds{namespace="production",job_name="a"}', '0+60x60 stale'),
          series('hasura_sync_schedule_interval_seconds{namespace="production",job_name="a"}', '300x60 stale'),
        ],
        alerts: [
          firing('HasuraSyncJobStale', '59m', { severity: 'warning', namespace: 'production', job_name: 'a' }),
          firing('HasuraSyncNoWorker', '60m'),
          firing('HasuraSyncNoWorker', '70m', { severity: 'critical', namespace: 'production' }),
          firing('HasuraSyncNoWorker', '24h', { severity: 'critical', namespace: 'production' }),
          firing('HasuraSyncNoWorker', '26h'),
        ],
      },
      // No worker was ever scraped.
      {
        input: [series('up', '1x1600')],
        alerts: [
          firing('HasuraSyncNoWorker', '4m'),
          firing('HasuraSyncNoWorker', '6m', { severity: 'critical' }),
          firing('HasuraSyncNoWorker', '26h', { severity: 'critical' }),
        ],
      },
    ]
    const file = join(folder, 'cases.json')
    const tests = cases.map(({ input, alerts }) => ({
      interval: '1m',
      input_series: input,
      // Labels alone: what the annotations say is for people.
      promql_expr_test: alerts.map(({ alertname, eval_time, labels }) => ({
        expr: `count by (severity, namespace, job_name, code, state) (ALERTS{alertname="${alertname}",alertstate="firing"})`,
        eval_time,
        exp_samples: labels.map(each => ({
          labels: `{${Object.entries(each)
            .map(([name, value]) => `${name}="${value}"`)
            .join(',')}}`,
          value: 1,
        })),
      })),
    }))
    writeFileSync(file, JSON.stringify({ rule_files: [rulesPath], evaluation_interval: '1m', tests }))
    runPromtool(['test', 'rules', file])
  })
})
