import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { parseConfig } from '../../src/config/config.ts'
import { projectFolder, readDocument } from '../docs/markdown.ts'
import { kustomizationSchema, manifestSchemas } from './kubernetes-schemas.ts'

const folder = 'deploy/kubernetes'
const read = (name: string): unknown => parse(readDocument(`${folder}/${name}`))

const deployment = manifestSchemas['deployment.yaml'].parse(read('deployment.yaml'))
const service = manifestSchemas['service.yaml'].parse(read('service.yaml'))
const budget = manifestSchemas['pod-disruption-budget.yaml'].parse(read('pod-disruption-budget.yaml'))
const secret = manifestSchemas['secret.example.yaml'].parse(read('secret.example.yaml'))
const serviceMonitor = manifestSchemas['service-monitor.yaml'].parse(read('service-monitor.yaml'))
const scaledObject = manifestSchemas['scaled-object.yaml'].parse(read('scaled-object.yaml'))
const kustomization = kustomizationSchema.parse(read('kustomization.yaml'))

const pod = deployment.spec.template.spec
const [worker] = pod.containers
const labels = deployment.spec.template.metadata.labels

test('the kustomization has each manifest but the secret, those of operators as comments', () => {
  const optional = [...readDocument(`${folder}/kustomization.yaml`).matchAll(/^ +# - (\S+\.yaml)$/gm)].map(
    ([, name = '']) => name,
  )
  expect(optional.toSorted()).toEqual(['scaled-object.yaml', 'service-monitor.yaml'])
  expect([...kustomization.resources, ...optional, 'secret.example.yaml'].toSorted()).toEqual(
    Object.keys(manifestSchemas).toSorted(),
  )
  const [{ envs }] = z.tuple([z.object({ envs: z.tuple([z.string()]) })]).parse(kustomization.configMapGenerator)
  expect(readdirSync(join(projectFolder, folder)).toSorted()).toEqual(
    [...Object.keys(manifestSchemas), 'kustomization.yaml', ...envs].toSorted(),
  )
})

test('names that refer to each other are the same', () => {
  expect(deployment.spec.selector.matchLabels).toEqual(labels)
  expect(service.spec.selector).toEqual(labels)
  expect(budget.spec.selector.matchLabels).toEqual(labels)
  expect(serviceMonitor.spec.selector.matchLabels).toEqual(service.metadata.labels)
  expect(scaledObject.spec.scaleTargetRef.name).toBe(deployment.metadata.name)
  expect(worker.envFrom.map(({ configMapRef }) => configMapRef.name)).toEqual(
    kustomization.configMapGenerator.map(({ name }) => name),
  )
  expect(kustomization.images.map(({ name }) => name)).toEqual([worker.image])
  expect(pod.volumes.map(({ name }) => name)).toEqual(worker.volumeMounts.map(({ name }) => name))
  expect(pod.volumes.map(({ secret: { secretName } }) => secretName)).toEqual([secret.metadata.name])
})

test('ports are those that the worker listens on', () => {
  const ports = new Map(worker.ports.map(({ name, containerPort }) => [name, containerPort]))
  for (const dockerfile of ['Dockerfile', 'templates/project/Dockerfile']) {
    expect(readDocument(dockerfile)).toContain(` PORT=${ports.get('http')} `)
  }
  expect(worker.env).toContainEqual({ name: 'METRICS_PORT', value: String(ports.get('metrics')) })
  expect(service.spec.ports.map(({ targetPort, port }) => [targetPort, port])).toEqual([...ports])
  expect(service.spec.ports.map(({ name }) => name)).toEqual(
    expect.arrayContaining(serviceMonitor.spec.endpoints.map(({ port }) => port)),
  )
  for (const { httpGet } of [worker.startupProbe, worker.livenessProbe, worker.readinessProbe]) {
    expect(httpGet.port).toBe('http')
  }
})

test('probes check only the process: an outage of what all workers share takes none of them out of the Service', () => {
  for (const { httpGet } of [worker.startupProbe, worker.livenessProbe, worker.readinessProbe]) {
    expect(httpGet.path).toBe('/health/live')
  }
})

test('a pod has time to stop, and never stops with the last other one', () => {
  const stopWithinSeconds = 10
  const { seconds } = worker.lifecycle.preStop.sleep
  expect(pod.terminationGracePeriodSeconds).toBeGreaterThan(seconds + stopWithinSeconds)
  expect(deployment.spec.replicas).toBeGreaterThan(budget.spec.maxUnavailable)
  expect(scaledObject.spec.minReplicaCount).toBeGreaterThanOrEqual(deployment.spec.replicas)
  expect(deployment.spec.strategy.rollingUpdate.maxUnavailable).toBe(0)
})

test('the worker accepts its settings', () => {
  const fromSecret = new Map(Object.entries(secret.stringData))
  const variables = worker.env.map(variable => {
    if ('value' in variable) return [variable.name, variable.value] as const
    const { name, key } = variable.valueFrom.secretKeyRef
    expect(name).toBe(secret.metadata.name)
    return [variable.name, fromSecret.get(key) ?? expect.fail(`the secret has no ${key}`)] as const
  })
  const settings = z.record(z.string(), z.string()).parse(parseEnv(readDocument(`${folder}/worker.env`)))
  const config = parseConfig({ ...settings, ...Object.fromEntries(variables) })
  expect(config).toMatchObject({
    databaseUrl: expect.any(String),
    redisUrl: expect.any(String),
    http: { callers: { role: 'request-jobs' } },
    metrics: { listen: { host: '::', port: 9464 } },
  })
  const [mount] = worker.volumeMounts
  const files = [...fromSecret.keys()].map(key => `${mount?.mountPath}/${key}`)
  expect(files).toContain(Object.fromEntries(variables).CLIENT_SECRET_FILE)
})

test('the user is the one of the image, and may read the secret, as nobody else', () => {
  // The images of Node have their user "node" at 1000.
  expect(pod.securityContext).toMatchObject({ runAsUser: 1000, runAsGroup: 1000, fsGroup: 1000 })
  for (const dockerfile of ['Dockerfile', 'templates/project/Dockerfile']) {
    expect(readDocument(dockerfile)).toMatch(/^FROM \$\{NODE_IMAGE\}$[\s\S]*^USER node$/m)
  }
  expect(pod.volumes.map(({ secret: { defaultMode } }) => defaultMode)).toEqual([0o440])
})

test('scaling asks for a metric that there is', () => {
  const [{ metadata, metricType }] = scaledObject.spec.triggers
  expect(metricType).toBe('Value')
  const [name = ''] = /hasura_sync_\w+/.exec(metadata.query) ?? []
  expect(readDocument('docs/operations.md')).toContain(`| \`${name}\` |`)
})

/** The program kubernetes-validate of PyPI, with the schemas that Kubernetes publishes; without it, ours count alone. */
const validator = process.env.KUBERNETES_VALIDATE

describe.runIf(validator)("by Kubernetes' own schemas", () => {
  test.each(
    Object.keys(manifestSchemas).filter(name => !['service-monitor.yaml', 'scaled-object.yaml'].includes(name)),
  )('%s is valid', name => {
    const words = ['--strict', join(projectFolder, folder, name)]
    expect(execFileSync(validator ?? '', words, { encoding: 'utf8' })).toContain('passed')
  })
})
