/* eslint-disable */
import * as types from './graphql.ts';
import type { TypedDocumentNode as DocumentNode } from '@graphql-typed-document-node/core';

/**
 * Map of all GraphQL operations in the project.
 *
 * This map has several performance disadvantages:
 * 1. It is not tree-shakeable, so it will include all operations in the project.
 * 2. It is not minifiable, so the string of a GraphQL query will be multiple times inside the bundle.
 * 3. It does not support dead code elimination, so it will add unused operations.
 *
 * Therefore it is highly recommended to use the babel or swc plugin for production.
 * Learn more about it here: https://the-guild.dev/graphql/codegen/plugins/presets/preset-client#reducing-bundle-size
 */
type Documents = {
    "query PullArticles($where: articles_bool_exp!, $order_by: [articles_order_by!]!, $limit: Int!) {\n  articles(where: $where, order_by: $order_by, limit: $limit) {\n    id\n    topic_id\n    author_id\n    title\n    body\n    status\n    revision\n    rating\n    metadata\n    published_at\n    created_at\n    updated_at\n  }\n}": typeof types.PullArticlesDocument,
    "mutation RefreshUsers {\n  refresh_users {\n    id\n  }\n}\n\nquery FindUser($id: uuid!) {\n  users_by_pk(id: $id) {\n    id\n  }\n}": typeof types.RefreshUsersDocument,
    "query PullTopics($where: topics_bool_exp!, $order_by: [topics_order_by!]!, $limit: Int!) {\n  topics(where: $where, order_by: $order_by, limit: $limit) {\n    id\n    title\n    parent_id\n    owner_id\n    position\n    created_at\n    updated_at\n  }\n}": typeof types.PullTopicsDocument,
    "query PullUsers($where: users_bool_exp!, $order_by: [users_order_by!]!, $limit: Int!) {\n  users(where: $where, order_by: $order_by, limit: $limit) {\n    id\n    username\n    display_name\n    active\n    created_at\n    updated_at\n  }\n}": typeof types.PullUsersDocument,
};
const documents: Documents = {
    "query PullArticles($where: articles_bool_exp!, $order_by: [articles_order_by!]!, $limit: Int!) {\n  articles(where: $where, order_by: $order_by, limit: $limit) {\n    id\n    topic_id\n    author_id\n    title\n    body\n    status\n    revision\n    rating\n    metadata\n    published_at\n    created_at\n    updated_at\n  }\n}": types.PullArticlesDocument,
    "mutation RefreshUsers {\n  refresh_users {\n    id\n  }\n}\n\nquery FindUser($id: uuid!) {\n  users_by_pk(id: $id) {\n    id\n  }\n}": types.RefreshUsersDocument,
    "query PullTopics($where: topics_bool_exp!, $order_by: [topics_order_by!]!, $limit: Int!) {\n  topics(where: $where, order_by: $order_by, limit: $limit) {\n    id\n    title\n    parent_id\n    owner_id\n    position\n    created_at\n    updated_at\n  }\n}": types.PullTopicsDocument,
    "query PullUsers($where: users_bool_exp!, $order_by: [users_order_by!]!, $limit: Int!) {\n  users(where: $where, order_by: $order_by, limit: $limit) {\n    id\n    username\n    display_name\n    active\n    created_at\n    updated_at\n  }\n}": types.PullUsersDocument,
};

/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 *
 *
 * @example
 * ```ts
 * const query = graphql(`query GetUser($id: ID!) { user(id: $id) { name } }`);
 * ```
 *
 * The query argument is unknown!
 * Please regenerate the types.
 */
export function graphql(source: string): unknown;

/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "query PullArticles($where: articles_bool_exp!, $order_by: [articles_order_by!]!, $limit: Int!) {\n  articles(where: $where, order_by: $order_by, limit: $limit) {\n    id\n    topic_id\n    author_id\n    title\n    body\n    status\n    revision\n    rating\n    metadata\n    published_at\n    created_at\n    updated_at\n  }\n}"): (typeof documents)["query PullArticles($where: articles_bool_exp!, $order_by: [articles_order_by!]!, $limit: Int!) {\n  articles(where: $where, order_by: $order_by, limit: $limit) {\n    id\n    topic_id\n    author_id\n    title\n    body\n    status\n    revision\n    rating\n    metadata\n    published_at\n    created_at\n    updated_at\n  }\n}"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "mutation RefreshUsers {\n  refresh_users {\n    id\n  }\n}\n\nquery FindUser($id: uuid!) {\n  users_by_pk(id: $id) {\n    id\n  }\n}"): (typeof documents)["mutation RefreshUsers {\n  refresh_users {\n    id\n  }\n}\n\nquery FindUser($id: uuid!) {\n  users_by_pk(id: $id) {\n    id\n  }\n}"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "query PullTopics($where: topics_bool_exp!, $order_by: [topics_order_by!]!, $limit: Int!) {\n  topics(where: $where, order_by: $order_by, limit: $limit) {\n    id\n    title\n    parent_id\n    owner_id\n    position\n    created_at\n    updated_at\n  }\n}"): (typeof documents)["query PullTopics($where: topics_bool_exp!, $order_by: [topics_order_by!]!, $limit: Int!) {\n  topics(where: $where, order_by: $order_by, limit: $limit) {\n    id\n    title\n    parent_id\n    owner_id\n    position\n    created_at\n    updated_at\n  }\n}"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "query PullUsers($where: users_bool_exp!, $order_by: [users_order_by!]!, $limit: Int!) {\n  users(where: $where, order_by: $order_by, limit: $limit) {\n    id\n    username\n    display_name\n    active\n    created_at\n    updated_at\n  }\n}"): (typeof documents)["query PullUsers($where: users_bool_exp!, $order_by: [users_order_by!]!, $limit: Int!) {\n  users(where: $where, order_by: $order_by, limit: $limit) {\n    id\n    username\n    display_name\n    active\n    created_at\n    updated_at\n  }\n}"];

export function graphql(source: string) {
  return (documents as any)[source] ?? {};
}

export type DocumentType<TDocumentNode extends DocumentNode<any, any>> = TDocumentNode extends DocumentNode<  infer TType,  any>  ? TType  : never;