import { GraphQLObjectType, lexicographicSortSchema, printSchema } from 'graphql'
import { buildSchema, type RoleSchema } from './build-schema.ts'
import type { Catalog } from './catalog.ts'
import type { SelectContext } from './compile-select.ts'
import type { Database } from './database.ts'
import { fromDatabaseError } from './database-error.ts'
import { HasuraError, validationFailed } from './hasura-error.ts'
import { resolveVariables } from './input-value.ts'
import { introspect } from './introspect.ts'
import { isJsonObject, parseJson } from './lossless-json.ts'
import type { Metadata } from './metadata-schema.ts'
import { type GraphQLRequest, type Operation, parseOperation } from './parse-request.ts'
import { parseSelection, type SelectedField } from './parse-selection.ts'
import { buildRoleModel } from './role-model.ts'
import { runMutation } from './run-mutation.ts'
import { runQuery } from './run-query.ts'
import type { Session } from './session.ts'
import { namespaceOf } from './shown-field.ts'
import { findStreamQuery, readBatch } from './sockets/stream-query.ts'
import { SqlBuilder } from './sql-builder.ts'

export interface EngineOptions {
  readonly stringifyNumeric: boolean
  /** See SelectContext. */
  readonly visible: SelectContext['visible']
}

/** From a request and a session to the text of a response; knows nothing of HTTP. */
export class Engine {
  readonly #db: Database
  readonly #options: EngineOptions
  #metadata: Metadata
  #catalog: Catalog
  #schemas = new Map<string, RoleSchema>()

  constructor(db: Database, metadata: Metadata, catalog: Catalog, options: EngineOptions) {
    this.#db = db
    this.#metadata = metadata
    this.#catalog = catalog
    this.#options = options
  }

  /**
   * Switches to other metadata and tables; active requests end with the old ones.
   *
   * @throws when the metadata names something that the database lacks; then nothing changes
   */
  replace(metadata: Metadata, catalog: Catalog): void {
    const roles = metadata.tables.flatMap(table => table.select_permissions.map(({ role }) => role))
    const schemas = new Map([...new Set(roles)].map(role => [role, makeSchema(role, metadata, catalog)]))
    this.#metadata = metadata
    this.#catalog = catalog
    this.#schemas = schemas
  }

  /** The result of a role's introspection, even if it is switched off. */
  printSchema(role: string): string {
    return printSchema(lexicographicSortSchema(this.#schemaOf(role).schema))
  }

  /** The response's body. Throws HasuraError for what Hasura reports as one. */
  async execute(request: GraphQLRequest, session: Session): Promise<string> {
    const operation = parseOperation(request)
    const role = this.#schemaOf(session.role)
    if (operation.definition.operation === 'subscription') {
      throw new HasuraError('unexpected-payload', 'subscriptions are not supported over HTTP, use websockets instead')
    }
    const isMutation = operation.definition.operation === 'mutation'
    const root = isMutation ? role.schema.getMutationType() : role.schema.getQueryType()
    if (!(root instanceof GraphQLObjectType)) throw validationFailed('no mutations exist')
    const fields = this.#parse(operation, request, root, role)
    const members = isMutation ? await this.#mutate(fields, role, session) : await this.#query(fields, role, session)
    return `{"data":${toObject(members)}}`
  }

  /**
   * Polls a subscription: each call returns the current payload, or undefined if there is nothing to
   * send. Throws HasuraError if Hasura refuses the subscription.
   */
  subscribe(request: GraphQLRequest, session: Session): () => Promise<string | undefined> {
    const operation = parseOperation(request)
    const role = this.#schemaOf(session.role)
    const root = role.schema.getSubscriptionType()
    if (!(root instanceof GraphQLObjectType)) throw validationFailed('no subscriptions exist')
    const fields = this.#parse(operation, request, root, role)
    if (fields.length > 1) throw validationFailed('subscriptions must select one top level field')
    const stream = findStreamQuery(operation, request, role.schema)
    if (!stream) return async () => `{"data":${toObject(await this.#query(fields, role, session))}}`
    let cursor = stream.initial
    return async () => {
      const answer = parseJson(await this.execute(stream.batchAfter(cursor), session))
      const batch = isJsonObject(answer) ? readBatch(answer.data ?? null, stream) : undefined
      cursor = batch?.next ?? cursor
      return batch?.text
    }
  }

  isSubscription(request: GraphQLRequest): boolean {
    return parseOperation(request).definition.operation === 'subscription'
  }

  /** The root fields of an operation, to know what a request does without executing it. */
  fieldNames(request: GraphQLRequest): string[] {
    const { selections } = parseOperation(request).definition.selectionSet
    return selections.flatMap(selection => (selection.kind === 'Field' ? [selection.name.value] : []))
  }

  #parse(operation: Operation, request: GraphQLRequest, root: GraphQLObjectType, role: RoleSchema): SelectedField[] {
    const { definition, fragments, usedVariables } = operation
    const variables = resolveVariables(definition.variableDefinitions ?? [], request.variables, usedVariables)
    const queryRoot = role.schema.getQueryType()
    if (queryRoot === undefined || queryRoot === null) throw new Error('a schema has a query root')
    return parseSelection([definition.selectionSet], root, { fragments, variables, queryRoot }, [])
  }

  async #query(fields: readonly SelectedField[], role: RoleSchema, session: Session): Promise<[string, string][]> {
    const introspects = fields.some(({ name }) => name === '__schema' || name === '__type')
    if (introspects && !role.model.introspection) {
      throw new HasuraError('not-supported', `introspection is disabled for role: "${session.role}"`)
    }
    return inOrder(fields, field => this.#queryField(field, role, session))
  }

  async #queryField(field: SelectedField, role: RoleSchema, session: Session): Promise<string> {
    if (field.definition === undefined) return JSON.stringify(field.parent.name)
    if (field.name === '__schema' || field.name === '__type') return JSON.stringify(introspect(field, role.schema))
    if (namespaceOf(field.definition)) return toObject(await this.#query(field.fields, role, session))
    const action = role.queries.get(field.name)
    if (action !== undefined) return runQuery(field, action, this.#db.query, this.#context(role, session))
    return '"There are no queries available to the current role."'
  }

  async #mutate(fields: readonly SelectedField[], role: RoleSchema, session: Session): Promise<[string, string][]> {
    try {
      return await this.#db.transaction(async query => {
        const run = async (field: SelectedField): Promise<string> => {
          if (field.definition === undefined) return JSON.stringify(field.parent.name)
          if (namespaceOf(field.definition)) return toObject(await inOrder(field.fields, run))
          const action = role.mutations.get(field.name)
          if (action === undefined) throw new Error(`the schema offers ${field.name}, which does nothing`)
          return runMutation(field, action, query, () => this.#context(role, session, true))
        }
        return inOrder(fields, run)
      })
    } catch (error) {
      throw fromDatabaseError(error)
    }
  }

  #context(role: RoleSchema, session: Session, seesAll = false): SelectContext {
    return {
      model: role.model,
      session,
      sql: new SqlBuilder(),
      stringifyNumeric: this.#options.stringifyNumeric,
      visible: seesAll ? () => undefined : this.#options.visible,
    }
  }

  #schemaOf(role: string): RoleSchema {
    const existing = this.#schemas.get(role)
    if (existing !== undefined) return existing
    const made = makeSchema(role, this.#metadata, this.#catalog)
    this.#schemas.set(role, made)
    return made
  }
}

/** One after the other, because a mutation may depend on the one before. */
async function inOrder(
  fields: readonly SelectedField[],
  run: (field: SelectedField) => Promise<string>,
): Promise<[string, string][]> {
  const members: [string, string][] = []
  for (const field of fields) members.push([field.responseName, await run(field)])
  return members
}

function toObject(members: readonly (readonly [string, string])[]): string {
  return `{${members.map(([name, text]) => `${JSON.stringify(name)}:${text}`).join(',')}}`
}

function makeSchema(role: string, metadata: Metadata, catalog: Catalog): RoleSchema {
  return buildSchema(buildRoleModel(role, metadata, catalog))
}
