import { cp, mkdir, symlink } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { ensureCertificateAuthority, hasOpenssl } from './certificates.ts'
import { findFreePort } from './free-port.ts'
import { createServiceFolder, openLocalService, type ServiceHandle } from './local-service.ts'

export interface Keycloak extends ServiceHandle {
  /** It listens on https too, and takes certificates of this authority, where there is an `openssl` to make one. */
  readonly https: { readonly url: string; readonly authorityFolder: string } | undefined
  readonly adminName: string
  readonly adminPassword: string
}

export interface KeycloakOptions {
  /** A folder with the jars of extensions. */
  readonly providersFolder?: string
  /** Of another Java than the one in PATH. */
  readonly javaHome?: string
  /** A realm's representation that it imports when it starts. */
  readonly realmFile?: string
  /** More of the environment. */
  readonly env?: Readonly<Record<string, string>>
}

/**
 * A real Keycloak in development mode, from the unpacked distribution at KEYCLOAK_HOME. Its realms are in memory: `stop` and
 * `kill` lose them.
 */
export async function startKeycloak(options: KeycloakOptions = {}): Promise<Keycloak> {
  const { providersFolder, javaHome, realmFile } = options
  const home = process.env.KEYCLOAK_HOME
  if (!home) throw new Error('KEYCLOAK_HOME is not set; it names an unpacked Keycloak 26')
  const port = await findFreePort()
  const url = `http://127.0.0.1:${port}`
  const folder = await createServiceFolder('keycloak')
  const copy = await copyDistribution(home, join(folder, 'keycloak'))
  if (providersFolder !== undefined) await cp(providersFolder, join(copy, 'providers'), { recursive: true })
  if (realmFile !== undefined) await cp(realmFile, join(copy, 'data', 'import', basename(realmFile)))
  const https = hasOpenssl ? await prepareHttps(folder) : undefined
  const service = await openLocalService({
    name: 'Keycloak',
    url,
    folder,
    command: join(copy, 'bin', 'kc.sh'),
    args: [
      ...['start-dev', '--http-host=127.0.0.1', `--http-port=${port}`, '--db=dev-mem', '--log-level=warn'],
      ...(realmFile === undefined ? [] : ['--import-realm']),
      ...(https?.args ?? []),
    ],
    env: {
      KC_BOOTSTRAP_ADMIN_USERNAME: ADMIN_NAME,
      KC_BOOTSTRAP_ADMIN_PASSWORD: ADMIN_PASSWORD,
      ...(javaHome !== undefined && { JAVA_HOME: javaHome }),
      JAVA_OPTS_APPEND: '-Xmx512m -XX:TieredStopAtLevel=1',
      ...options.env,
    },
    stopSignal: 'TERM',
    isReady: () => answers(`${url}/realms/master`),
  })
  return Object.assign(service, { adminName: ADMIN_NAME, adminPassword: ADMIN_PASSWORD, https: https?.access })
}

/** A client may show a certificate and needs none, so that the same server serves everybody. */
async function prepareHttps(folder: string) {
  const port = await findFreePort()
  const authorityFolder = join(folder, 'certificates')
  const authority = ensureCertificateAuthority(authorityFolder)
  const server = authority.issueForLoopback('server')
  return {
    access: { url: `https://127.0.0.1:${port}`, authorityFolder },
    args: [
      `--https-port=${port}`,
      `--https-certificate-file=${server.certificateFile}`,
      `--https-certificate-key-file=${server.keyFile}`,
      '--https-client-auth=request',
      `--truststore-paths=${authority.certificateFile}`,
    ],
  }
}

const ADMIN_NAME = 'admin'
const ADMIN_PASSWORD = 'admin'

/** Keycloak writes what it compiled into its own folder, and only there; the rest may be shared. */
async function copyDistribution(home: string, copy: string): Promise<string> {
  await mkdir(join(copy, 'lib'), { recursive: true })
  await Promise.all([
    ...['bin', 'conf', 'providers', 'themes'].map(part => cp(join(home, part), join(copy, part), { recursive: true })),
    cp(join(home, 'lib', 'quarkus'), join(copy, 'lib', 'quarkus'), { recursive: true }),
    cp(join(home, 'lib', 'quarkus-run.jar'), join(copy, 'lib', 'quarkus-run.jar')),
    ...['app', 'lib'].map(part => symlink(join(home, 'lib', part), join(copy, 'lib', part))),
  ])
  return copy
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(5000) })).ok
  } catch {
    return false
  }
}
