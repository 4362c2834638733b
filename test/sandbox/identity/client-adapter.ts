import type { Adapter, AdapterPayload } from 'oidc-provider'
import type { ClientRegistry, RegisteredClient } from './client-registry.ts'

/**
 * The storage of oidc-provider: clients come from the registry, nothing else is stored, because access tokens
 * are self-contained and refresh tokens have their own store.
 */
export class ClientAdapter implements Adapter {
  readonly #registry: ClientRegistry
  readonly #isClientModel: boolean

  constructor(registry: ClientRegistry, model: string) {
    this.#registry = registry
    this.#isClientModel = model === 'Client'
  }

  async find(id: string): Promise<AdapterPayload | undefined> {
    const client = this.#isClientModel ? this.#registry.find(id) : undefined
    return client && clientMetadata(client)
  }

  async upsert(): Promise<void> {}
  async findByUserCode(): Promise<undefined> {}
  async findByUid(): Promise<undefined> {}
  async consume(): Promise<void> {}
  async destroy(): Promise<void> {}
  async revokeByGrantId(): Promise<void> {}
}

function clientMetadata(client: RegisteredClient): AdapterPayload {
  return {
    client_id: client.clientId,
    client_secret: client.clientSecret,
    grant_types: ['client_credentials', 'refresh_token'],
    redirect_uris: [],
    response_types: [],
  }
}
