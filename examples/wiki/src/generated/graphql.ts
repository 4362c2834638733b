/* eslint-disable */
/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
import type { TypedDocumentNode as DocumentNode } from '@graphql-typed-document-node/core';
export type Boolean_comparison_exp = {
  _eq?: boolean | null | undefined;
  _gt?: boolean | null | undefined;
  _gte?: boolean | null | undefined;
  _in?: Array<boolean> | null | undefined;
  _is_null?: boolean | null | undefined;
  _lt?: boolean | null | undefined;
  _lte?: boolean | null | undefined;
  _neq?: boolean | null | undefined;
  _nin?: Array<boolean> | null | undefined;
};

export type String_comparison_exp = {
  _eq?: string | null | undefined;
  _gt?: string | null | undefined;
  _gte?: string | null | undefined;
  _ilike?: string | null | undefined;
  _in?: Array<string> | null | undefined;
  _iregex?: string | null | undefined;
  _is_null?: boolean | null | undefined;
  _like?: string | null | undefined;
  _lt?: string | null | undefined;
  _lte?: string | null | undefined;
  _neq?: string | null | undefined;
  _nilike?: string | null | undefined;
  _nin?: Array<string> | null | undefined;
  _niregex?: string | null | undefined;
  _nlike?: string | null | undefined;
  _nregex?: string | null | undefined;
  _nsimilar?: string | null | undefined;
  _regex?: string | null | undefined;
  _similar?: string | null | undefined;
};

export type article_links_bool_exp = {
  _and?: Array<article_links_bool_exp> | null | undefined;
  _not?: article_links_bool_exp | null | undefined;
  _or?: Array<article_links_bool_exp> | null | undefined;
  article?: articles_bool_exp | null | undefined;
  article_id?: uuid_comparison_exp | null | undefined;
  kind?: String_comparison_exp | null | undefined;
  target?: articles_bool_exp | null | undefined;
  target_id?: uuid_comparison_exp | null | undefined;
  updated_at?: timestamptz_comparison_exp | null | undefined;
};

export type articles_bool_exp = {
  _and?: Array<articles_bool_exp> | null | undefined;
  _not?: articles_bool_exp | null | undefined;
  _or?: Array<articles_bool_exp> | null | undefined;
  author?: users_bool_exp | null | undefined;
  author_id?: uuid_comparison_exp | null | undefined;
  body?: String_comparison_exp | null | undefined;
  created_at?: timestamptz_comparison_exp | null | undefined;
  id?: uuid_comparison_exp | null | undefined;
  links?: article_links_bool_exp | null | undefined;
  metadata?: jsonb_comparison_exp | null | undefined;
  published_at?: timestamptz_comparison_exp | null | undefined;
  rating?: numeric_comparison_exp | null | undefined;
  revision?: bigint_comparison_exp | null | undefined;
  status?: String_comparison_exp | null | undefined;
  title?: String_comparison_exp | null | undefined;
  topic?: topics_bool_exp | null | undefined;
  topic_id?: uuid_comparison_exp | null | undefined;
  updated_at?: timestamptz_comparison_exp | null | undefined;
};

export type articles_order_by = {
  author?: users_order_by | null | undefined;
  author_id?: order_by | null | undefined;
  body?: order_by | null | undefined;
  created_at?: order_by | null | undefined;
  id?: order_by | null | undefined;
  metadata?: order_by | null | undefined;
  published_at?: order_by | null | undefined;
  rating?: order_by | null | undefined;
  revision?: order_by | null | undefined;
  status?: order_by | null | undefined;
  title?: order_by | null | undefined;
  topic?: topics_order_by | null | undefined;
  topic_id?: order_by | null | undefined;
  updated_at?: order_by | null | undefined;
};

export type bigint_comparison_exp = {
  _eq?: string | number | null | undefined;
  _gt?: string | number | null | undefined;
  _gte?: string | number | null | undefined;
  _in?: Array<string | number> | null | undefined;
  _is_null?: boolean | null | undefined;
  _lt?: string | number | null | undefined;
  _lte?: string | number | null | undefined;
  _neq?: string | number | null | undefined;
  _nin?: Array<string | number> | null | undefined;
};

export type jsonb_cast_exp = {
  String?: String_comparison_exp | null | undefined;
};

export type jsonb_comparison_exp = {
  _cast?: jsonb_cast_exp | null | undefined;
  _contained_in?: unknown;
  _contains?: unknown;
  _eq?: unknown;
  _gt?: unknown;
  _gte?: unknown;
  _has_key?: string | null | undefined;
  _has_keys_all?: Array<string> | null | undefined;
  _has_keys_any?: Array<string> | null | undefined;
  _in?: Array<unknown> | null | undefined;
  _is_null?: boolean | null | undefined;
  _lt?: unknown;
  _lte?: unknown;
  _neq?: unknown;
  _nin?: Array<unknown> | null | undefined;
};

export type numeric_comparison_exp = {
  _eq?: string | number | null | undefined;
  _gt?: string | number | null | undefined;
  _gte?: string | number | null | undefined;
  _in?: Array<string | number> | null | undefined;
  _is_null?: boolean | null | undefined;
  _lt?: string | number | null | undefined;
  _lte?: string | number | null | undefined;
  _neq?: string | number | null | undefined;
  _nin?: Array<string | number> | null | undefined;
};

export type order_by =
  | 'asc'
  | 'asc_nulls_first'
  | 'asc_nulls_last'
  | 'desc'
  | 'desc_nulls_first'
  | 'desc_nulls_last';

export type timestamptz_comparison_exp = {
  _eq?: string | null | undefined;
  _gt?: string | null | undefined;
  _gte?: string | null | undefined;
  _in?: Array<string> | null | undefined;
  _is_null?: boolean | null | undefined;
  _lt?: string | null | undefined;
  _lte?: string | null | undefined;
  _neq?: string | null | undefined;
  _nin?: Array<string> | null | undefined;
};

export type topics_aggregate_order_by = {
  avg?: topics_avg_order_by | null | undefined;
  count?: order_by | null | undefined;
  max?: topics_max_order_by | null | undefined;
  min?: topics_min_order_by | null | undefined;
  stddev?: topics_stddev_order_by | null | undefined;
  stddev_pop?: topics_stddev_pop_order_by | null | undefined;
  stddev_samp?: topics_stddev_samp_order_by | null | undefined;
  sum?: topics_sum_order_by | null | undefined;
  var_pop?: topics_var_pop_order_by | null | undefined;
  var_samp?: topics_var_samp_order_by | null | undefined;
  variance?: topics_variance_order_by | null | undefined;
};

export type topics_avg_order_by = {
  position?: order_by | null | undefined;
};

export type topics_bool_exp = {
  _and?: Array<topics_bool_exp> | null | undefined;
  _not?: topics_bool_exp | null | undefined;
  _or?: Array<topics_bool_exp> | null | undefined;
  articles?: articles_bool_exp | null | undefined;
  children?: topics_bool_exp | null | undefined;
  created_at?: timestamptz_comparison_exp | null | undefined;
  id?: uuid_comparison_exp | null | undefined;
  owner?: users_bool_exp | null | undefined;
  owner_id?: uuid_comparison_exp | null | undefined;
  parent?: topics_bool_exp | null | undefined;
  parent_id?: uuid_comparison_exp | null | undefined;
  position?: numeric_comparison_exp | null | undefined;
  title?: String_comparison_exp | null | undefined;
  updated_at?: timestamptz_comparison_exp | null | undefined;
};

export type topics_max_order_by = {
  created_at?: order_by | null | undefined;
  id?: order_by | null | undefined;
  owner_id?: order_by | null | undefined;
  parent_id?: order_by | null | undefined;
  position?: order_by | null | undefined;
  title?: order_by | null | undefined;
  updated_at?: order_by | null | undefined;
};

export type topics_min_order_by = {
  created_at?: order_by | null | undefined;
  id?: order_by | null | undefined;
  owner_id?: order_by | null | undefined;
  parent_id?: order_by | null | undefined;
  position?: order_by | null | undefined;
  title?: order_by | null | undefined;
  updated_at?: order_by | null | undefined;
};

export type topics_order_by = {
  children_aggregate?: topics_aggregate_order_by | null | undefined;
  created_at?: order_by | null | undefined;
  id?: order_by | null | undefined;
  owner?: users_order_by | null | undefined;
  owner_id?: order_by | null | undefined;
  parent?: topics_order_by | null | undefined;
  parent_id?: order_by | null | undefined;
  position?: order_by | null | undefined;
  title?: order_by | null | undefined;
  updated_at?: order_by | null | undefined;
};

export type topics_stddev_order_by = {
  position?: order_by | null | undefined;
};

export type topics_stddev_pop_order_by = {
  position?: order_by | null | undefined;
};

export type topics_stddev_samp_order_by = {
  position?: order_by | null | undefined;
};

export type topics_sum_order_by = {
  position?: order_by | null | undefined;
};

export type topics_var_pop_order_by = {
  position?: order_by | null | undefined;
};

export type topics_var_samp_order_by = {
  position?: order_by | null | undefined;
};

export type topics_variance_order_by = {
  position?: order_by | null | undefined;
};

export type users_bool_exp = {
  _and?: Array<users_bool_exp> | null | undefined;
  _not?: users_bool_exp | null | undefined;
  _or?: Array<users_bool_exp> | null | undefined;
  active?: Boolean_comparison_exp | null | undefined;
  articles?: articles_bool_exp | null | undefined;
  created_at?: timestamptz_comparison_exp | null | undefined;
  display_name?: String_comparison_exp | null | undefined;
  id?: uuid_comparison_exp | null | undefined;
  topics?: topics_bool_exp | null | undefined;
  updated_at?: timestamptz_comparison_exp | null | undefined;
  username?: String_comparison_exp | null | undefined;
};

export type users_order_by = {
  active?: order_by | null | undefined;
  created_at?: order_by | null | undefined;
  display_name?: order_by | null | undefined;
  id?: order_by | null | undefined;
  topics_aggregate?: topics_aggregate_order_by | null | undefined;
  updated_at?: order_by | null | undefined;
  username?: order_by | null | undefined;
};

export type uuid_comparison_exp = {
  _eq?: string | null | undefined;
  _gt?: string | null | undefined;
  _gte?: string | null | undefined;
  _in?: Array<string> | null | undefined;
  _is_null?: boolean | null | undefined;
  _lt?: string | null | undefined;
  _lte?: string | null | undefined;
  _neq?: string | null | undefined;
  _nin?: Array<string> | null | undefined;
};

export type PullArticlesQueryVariables = Exact<{
  where: articles_bool_exp;
  order_by: Array<articles_order_by> | articles_order_by;
  limit: number;
}>;


export type PullArticlesQuery = { articles: Array<{ id: string, topic_id: string, author_id: string | null, title: string, body: string | null, status: string, revision: string | number, rating: string | number | null, metadata: unknown, published_at: string | null, created_at: string, updated_at: string }> };

export type RefreshUsersMutationVariables = Exact<{ [key: string]: never; }>;


export type RefreshUsersMutation = { refresh_users: Array<{ id: string }> };

export type FindUserQueryVariables = Exact<{
  id: string;
}>;


export type FindUserQuery = { users_by_pk: { id: string } | null };

export type PullTopicsQueryVariables = Exact<{
  where: topics_bool_exp;
  order_by: Array<topics_order_by> | topics_order_by;
  limit: number;
}>;


export type PullTopicsQuery = { topics: Array<{ id: string, title: string, parent_id: string | null, owner_id: string | null, position: string | number, created_at: string, updated_at: string }> };

export type PullUsersQueryVariables = Exact<{
  where: users_bool_exp;
  order_by: Array<users_order_by> | users_order_by;
  limit: number;
}>;


export type PullUsersQuery = { users: Array<{ id: string, username: string, display_name: string | null, active: boolean, created_at: string, updated_at: string }> };


export const PullArticlesDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"query","name":{"kind":"Name","value":"PullArticles"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"where"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"articles_bool_exp"}}}},{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"order_by"}},"type":{"kind":"NonNullType","type":{"kind":"ListType","type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"articles_order_by"}}}}}},{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"limit"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"Int"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"articles"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"where"},"value":{"kind":"Variable","name":{"kind":"Name","value":"where"}}},{"kind":"Argument","name":{"kind":"Name","value":"order_by"},"value":{"kind":"Variable","name":{"kind":"Name","value":"order_by"}}},{"kind":"Argument","name":{"kind":"Name","value":"limit"},"value":{"kind":"Variable","name":{"kind":"Name","value":"limit"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"topic_id"}},{"kind":"Field","name":{"kind":"Name","value":"author_id"}},{"kind":"Field","name":{"kind":"Name","value":"title"}},{"kind":"Field","name":{"kind":"Name","value":"body"}},{"kind":"Field","name":{"kind":"Name","value":"status"}},{"kind":"Field","name":{"kind":"Name","value":"revision"}},{"kind":"Field","name":{"kind":"Name","value":"rating"}},{"kind":"Field","name":{"kind":"Name","value":"metadata"}},{"kind":"Field","name":{"kind":"Name","value":"published_at"}},{"kind":"Field","name":{"kind":"Name","value":"created_at"}},{"kind":"Field","name":{"kind":"Name","value":"updated_at"}}]}}]}}]} as unknown as DocumentNode<PullArticlesQuery, PullArticlesQueryVariables>;
export const RefreshUsersDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"mutation","name":{"kind":"Name","value":"RefreshUsers"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"refresh_users"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}}]}}]}}]} as unknown as DocumentNode<RefreshUsersMutation, RefreshUsersMutationVariables>;
export const FindUserDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"query","name":{"kind":"Name","value":"FindUser"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"id"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"uuid"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"users_by_pk"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"id"},"value":{"kind":"Variable","name":{"kind":"Name","value":"id"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}}]}}]}}]} as unknown as DocumentNode<FindUserQuery, FindUserQueryVariables>;
export const PullTopicsDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"query","name":{"kind":"Name","value":"PullTopics"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"where"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"topics_bool_exp"}}}},{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"order_by"}},"type":{"kind":"NonNullType","type":{"kind":"ListType","type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"topics_order_by"}}}}}},{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"limit"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"Int"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"topics"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"where"},"value":{"kind":"Variable","name":{"kind":"Name","value":"where"}}},{"kind":"Argument","name":{"kind":"Name","value":"order_by"},"value":{"kind":"Variable","name":{"kind":"Name","value":"order_by"}}},{"kind":"Argument","name":{"kind":"Name","value":"limit"},"value":{"kind":"Variable","name":{"kind":"Name","value":"limit"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"title"}},{"kind":"Field","name":{"kind":"Name","value":"parent_id"}},{"kind":"Field","name":{"kind":"Name","value":"owner_id"}},{"kind":"Field","name":{"kind":"Name","value":"position"}},{"kind":"Field","name":{"kind":"Name","value":"created_at"}},{"kind":"Field","name":{"kind":"Name","value":"updated_at"}}]}}]}}]} as unknown as DocumentNode<PullTopicsQuery, PullTopicsQueryVariables>;
export const PullUsersDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"query","name":{"kind":"Name","value":"PullUsers"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"where"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"users_bool_exp"}}}},{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"order_by"}},"type":{"kind":"NonNullType","type":{"kind":"ListType","type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"users_order_by"}}}}}},{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"limit"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"Int"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"users"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"where"},"value":{"kind":"Variable","name":{"kind":"Name","value":"where"}}},{"kind":"Argument","name":{"kind":"Name","value":"order_by"},"value":{"kind":"Variable","name":{"kind":"Name","value":"order_by"}}},{"kind":"Argument","name":{"kind":"Name","value":"limit"},"value":{"kind":"Variable","name":{"kind":"Name","value":"limit"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"username"}},{"kind":"Field","name":{"kind":"Name","value":"display_name"}},{"kind":"Field","name":{"kind":"Name","value":"active"}},{"kind":"Field","name":{"kind":"Name","value":"created_at"}},{"kind":"Field","name":{"kind":"Name","value":"updated_at"}}]}}]}}]} as unknown as DocumentNode<PullUsersQuery, PullUsersQueryVariables>;