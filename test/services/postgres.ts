import { randomUUID } from 'node:crypto'
import { Client } from 'pg'
import { inject } from 'vitest'
import './provided-services.ts'

const serverUrl = inject('databaseUrl')

/** For `describe.runIf(hasPostgres)`: whether `createDatabase` can give anything in this run. */
export const hasPostgres = serverUrl !== undefined

export interface TestDatabase extends AsyncDisposable {
  readonly url: string
  /** Also cuts the connections that are left. */
  drop(): Promise<void>
}

export interface DatabaseOptions {
  /** Default: texts are sorted by their bytes. */
  readonly icuLocale?: string
  /** Default: UTF8. */
  readonly encoding?: string
  /** What `alter database … set` says of it. */
  readonly settings?: Readonly<Record<string, string>>
}

/** A fresh database of its own. */
export async function createDatabase(options: DatabaseOptions = {}): Promise<TestDatabase> {
  const name = `test_${randomUUID().replaceAll('-', '')}`
  const locale = options.icuLocale === undefined ? '' : `locale_provider icu icu_locale '${options.icuLocale}'`
  const encoding = options.encoding === undefined ? '' : `encoding '${options.encoding}'`
  await onServer(`create database ${name} template template0 ${locale} ${encoding}`)
  for (const [setting, value] of Object.entries(options.settings ?? {})) {
    await onServer(`alter database ${name} set ${setting} = ${value}`)
  }
  const drop = () => onServer(`drop database if exists ${name} with (force)`)
  return { url: withDatabase(name), drop, [Symbol.asyncDispose]: drop }
}

async function onServer(statement: string): Promise<void> {
  const client = new Client({ connectionString: getServerUrl() })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}

function withDatabase(name: string): string {
  const url = new URL(getServerUrl())
  url.pathname = `/${name}`
  return url.href
}

function getServerUrl(): string {
  if (serverUrl === undefined) throw new Error('There is no Postgres in this run; guard the suite with hasPostgres')
  return serverUrl
}
