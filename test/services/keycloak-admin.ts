import { z } from 'zod'

/** Where a Keycloak is and who may administer it. */
export interface KeycloakAccess {
  readonly url: string
  readonly adminName: string
  readonly adminPassword: string
  /** The same server for clients with certificates, and where the authority is that it trusts. */
  readonly https?: { readonly url: string; readonly authorityFolder: string } | undefined
}

/** Keycloak's Admin REST API, as far as tests set realms up. Paths start below `/admin/realms`. */
export class KeycloakAdmin {
  readonly #keycloak: KeycloakAccess
  #token: { value: string; usedUntil: number } | undefined

  constructor(keycloak: KeycloakAccess) {
    this.#keycloak = keycloak
  }

  async get<T>(path: string, schema: z.ZodType<T>): Promise<T> {
    const response = await this.#request('GET', path)
    return schema.parse(await response.json())
  }

  /** Returns the id of what was made, or an empty string where Keycloak names none. */
  async post(path: string, body: unknown): Promise<string> {
    const response = await this.#request('POST', path, body)
    await response.body?.cancel()
    return response.headers.get('location')?.split('/').at(-1) ?? ''
  }

  async postFor<T>(path: string, schema: z.ZodType<T>): Promise<T> {
    const response = await this.#request('POST', path)
    return schema.parse(await response.json())
  }

  async put(path: string, body?: unknown): Promise<void> {
    const response = await this.#request('PUT', path, body)
    await response.body?.cancel()
  }

  async delete(path: string, body?: unknown): Promise<void> {
    const response = await this.#request('DELETE', path, body)
    await response.body?.cancel()
  }

  async #request(method: string, path: string, body?: unknown): Promise<Response> {
    const response = await fetch(`${this.#keycloak.url}/admin/realms${path}`, {
      method,
      headers: { authorization: `Bearer ${await this.#getToken()}`, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    if (!response.ok) throw new Error(`${method} /admin/realms${path}: ${response.status} ${await response.text()}`)
    return response
  }

  /** An admin's token lives for a minute; fetching one costs a slow password hash. */
  async #getToken(): Promise<string> {
    if (!this.#token || performance.now() > this.#token.usedUntil) {
      this.#token = { value: await this.#fetchToken(), usedUntil: performance.now() + 30_000 }
    }
    return this.#token.value
  }

  async #fetchToken(): Promise<string> {
    const { url, adminName, adminPassword } = this.#keycloak
    const response = await fetch(`${url}/realms/master/protocol/openid-connect/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'password',
        client_id: 'admin-cli',
        username: adminName,
        password: adminPassword,
      }),
    })
    return tokenSchema.parse(await response.json()).access_token
  }
}

const tokenSchema = z.object({ access_token: z.string() })
