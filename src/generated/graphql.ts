/* eslint-disable */
/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
import type { TypedDocumentNode as DocumentNode } from '@graphql-typed-document-node/core';
export type Boolean_Comparison_Exp = {
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

export type String_Comparison_Exp = {
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

export type Article_Links_Bool_Exp = {
  _and?: Array<Article_Links_Bool_Exp> | null | undefined;
  _not?: Article_Links_Bool_Exp | null | undefined;
  _or?: Array<Article_Links_Bool_Exp> | null | undefined;
  article?: Articles_Bool_Exp | null | undefined;
  article_id?: Uuid_Comparison_Exp | null | undefined;
  kind?: String_Comparison_Exp | null | undefined;
  target?: Articles_Bool_Exp | null | undefined;
  target_id?: Uuid_Comparison_Exp | null | undefined;
  updated_at?: Timestamptz_Comparison_Exp | null | undefined;
};

export type Articles_Bool_Exp = {
  _and?: Array<Articles_Bool_Exp> | null | undefined;
  _not?: Articles_Bool_Exp | null | undefined;
  _or?: Array<Articles_Bool_Exp> | null | undefined;
  author?: Users_Bool_Exp | null | undefined;
  author_id?: Uuid_Comparison_Exp | null | undefined;
  body?: String_Comparison_Exp | null | undefined;
  created_at?: Timestamptz_Comparison_Exp | null | undefined;
  id?: Uuid_Comparison_Exp | null | undefined;
  links?: Article_Links_Bool_Exp | null | undefined;
  metadata?: Jsonb_Comparison_Exp | null | undefined;
  published_at?: Timestamptz_Comparison_Exp | null | undefined;
  rating?: Numeric_Comparison_Exp | null | undefined;
  revision?: Bigint_Comparison_Exp | null | undefined;
  status?: String_Comparison_Exp | null | undefined;
  title?: String_Comparison_Exp | null | undefined;
  topic?: Topics_Bool_Exp | null | undefined;
  topic_id?: Uuid_Comparison_Exp | null | undefined;
  updated_at?: Timestamptz_Comparison_Exp | null | undefined;
};

export type Articles_Order_By = {
  author?: Users_Order_By | null | undefined;
  author_id?: Order_By | null | undefined;
  body?: Order_By | null | undefined;
  created_at?: Order_By | null | undefined;
  id?: Order_By | null | undefined;
  metadata?: Order_By | null | undefined;
  published_at?: Order_By | null | undefined;
  rating?: Order_By | null | undefined;
  revision?: Order_By | null | undefined;
  status?: Order_By | null | undefined;
  title?: Order_By | null | undefined;
  topic?: Topics_Order_By | null | undefined;
  topic_id?: Order_By | null | undefined;
  updated_at?: Order_By | null | undefined;
};

export type Bigint_Comparison_Exp = {
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

export type Jsonb_Cast_Exp = {
  String?: String_Comparison_Exp | null | undefined;
};

export type Jsonb_Comparison_Exp = {
  _cast?: Jsonb_Cast_Exp | null | undefined;
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

export type Numeric_Comparison_Exp = {
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

export type Order_By =
  | 'asc'
  | 'asc_nulls_first'
  | 'asc_nulls_last'
  | 'desc'
  | 'desc_nulls_first'
  | 'desc_nulls_last';

export type Timestamptz_Comparison_Exp = {
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

export type Topics_Aggregate_Order_By = {
  avg?: Topics_Avg_Order_By | null | undefined;
  count?: Order_By | null | undefined;
  max?: Topics_Max_Order_By | null | undefined;
  min?: Topics_Min_Order_By | null | undefined;
  stddev?: Topics_Stddev_Order_By | null | undefined;
  stddev_pop?: Topics_Stddev_Pop_Order_By | null | undefined;
  stddev_samp?: Topics_Stddev_Samp_Order_By | null | undefined;
  sum?: Topics_Sum_Order_By | null | undefined;
  var_pop?: Topics_Var_Pop_Order_By | null | undefined;
  var_samp?: Topics_Var_Samp_Order_By | null | undefined;
  variance?: Topics_Variance_Order_By | null | undefined;
};

export type Topics_Avg_Order_By = {
  position?: Order_By | null | undefined;
};

export type Topics_Bool_Exp = {
  _and?: Array<Topics_Bool_Exp> | null | undefined;
  _not?: Topics_Bool_Exp | null | undefined;
  _or?: Array<Topics_Bool_Exp> | null | undefined;
  articles?: Articles_Bool_Exp | null | undefined;
  children?: Topics_Bool_Exp | null | undefined;
  created_at?: Timestamptz_Comparison_Exp | null | undefined;
  id?: Uuid_Comparison_Exp | null | undefined;
  owner?: Users_Bool_Exp | null | undefined;
  owner_id?: Uuid_Comparison_Exp | null | undefined;
  parent?: Topics_Bool_Exp | null | undefined;
  parent_id?: Uuid_Comparison_Exp | null | undefined;
  position?: Numeric_Comparison_Exp | null | undefined;
  title?: String_Comparison_Exp | null | undefined;
  updated_at?: Timestamptz_Comparison_Exp | null | undefined;
};

export type Topics_Max_Order_By = {
  created_at?: Order_By | null | undefined;
  id?: Order_By | null | undefined;
  owner_id?: Order_By | null | undefined;
  parent_id?: Order_By | null | undefined;
  position?: Order_By | null | undefined;
  title?: Order_By | null | undefined;
  updated_at?: Order_By | null | undefined;
};

export type Topics_Min_Order_By = {
  created_at?: Order_By | null | undefined;
  id?: Order_By | null | undefined;
  owner_id?: Order_By | null | undefined;
  parent_id?: Order_By | null | undefined;
  position?: Order_By | null | undefined;
  title?: Order_By | null | undefined;
  updated_at?: Order_By | null | undefined;
};

export type Topics_Order_By = {
  children_aggregate?: Topics_Aggregate_Order_By | null | undefined;
  created_at?: Order_By | null | undefined;
  id?: Order_By | null | undefined;
  owner?: Users_Order_By | null | undefined;
  owner_id?: Order_By | null | undefined;
  parent?: Topics_Order_By | null | undefined;
  parent_id?: Order_By | null | undefined;
  position?: Order_By | null | undefined;
  title?: Order_By | null | undefined;
  updated_at?: Order_By | null | undefined;
};

export type Topics_Stddev_Order_By = {
  position?: Order_By | null | undefined;
};

export type Topics_Stddev_Pop_Order_By = {
  position?: Order_By | null | undefined;
};

export type Topics_Stddev_Samp_Order_By = {
  position?: Order_By | null | undefined;
};

export type Topics_Sum_Order_By = {
  position?: Order_By | null | undefined;
};

export type Topics_Var_Pop_Order_By = {
  position?: Order_By | null | undefined;
};

export type Topics_Var_Samp_Order_By = {
  position?: Order_By | null | undefined;
};

export type Topics_Variance_Order_By = {
  position?: Order_By | null | undefined;
};

export type Users_Bool_Exp = {
  _and?: Array<Users_Bool_Exp> | null | undefined;
  _not?: Users_Bool_Exp | null | undefined;
  _or?: Array<Users_Bool_Exp> | null | undefined;
  active?: Boolean_Comparison_Exp | null | undefined;
  articles?: Articles_Bool_Exp | null | undefined;
  created_at?: Timestamptz_Comparison_Exp | null | undefined;
  display_name?: String_Comparison_Exp | null | undefined;
  id?: Uuid_Comparison_Exp | null | undefined;
  topics?: Topics_Bool_Exp | null | undefined;
  updated_at?: Timestamptz_Comparison_Exp | null | undefined;
  username?: String_Comparison_Exp | null | undefined;
};

export type Users_Order_By = {
  active?: Order_By | null | undefined;
  created_at?: Order_By | null | undefined;
  display_name?: Order_By | null | undefined;
  id?: Order_By | null | undefined;
  topics_aggregate?: Topics_Aggregate_Order_By | null | undefined;
  updated_at?: Order_By | null | undefined;
  username?: Order_By | null | undefined;
};

export type Uuid_Comparison_Exp = {
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
  where: Articles_Bool_Exp;
  order_by: Array<Articles_Order_By> | Articles_Order_By;
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
  where: Topics_Bool_Exp;
  order_by: Array<Topics_Order_By> | Topics_Order_By;
  limit: number;
}>;


export type PullTopicsQuery = { topics: Array<{ id: string, title: string, parent_id: string | null, owner_id: string | null, position: string | number, created_at: string, updated_at: string }> };

export type PullUsersQueryVariables = Exact<{
  where: Users_Bool_Exp;
  order_by: Array<Users_Order_By> | Users_Order_By;
  limit: number;
}>;


export type PullUsersQuery = { users: Array<{ id: string, username: string, display_name: string | null, active: boolean, created_at: string, updated_at: string }> };


export const PullArticlesDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"query","name":{"kind":"Name","value":"PullArticles"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"where"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"articles_bool_exp"}}}},{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"order_by"}},"type":{"kind":"NonNullType","type":{"kind":"ListType","type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"articles_order_by"}}}}}},{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"limit"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"Int"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"articles"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"where"},"value":{"kind":"Variable","name":{"kind":"Name","value":"where"}}},{"kind":"Argument","name":{"kind":"Name","value":"order_by"},"value":{"kind":"Variable","name":{"kind":"Name","value":"order_by"}}},{"kind":"Argument","name":{"kind":"Name","value":"limit"},"value":{"kind":"Variable","name":{"kind":"Name","value":"limit"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"topic_id"}},{"kind":"Field","name":{"kind":"Name","value":"author_id"}},{"kind":"Field","name":{"kind":"Name","value":"title"}},{"kind":"Field","name":{"kind":"Name","value":"body"}},{"kind":"Field","name":{"kind":"Name","value":"status"}},{"kind":"Field","name":{"kind":"Name","value":"revision"}},{"kind":"Field","name":{"kind":"Name","value":"rating"}},{"kind":"Field","name":{"kind":"Name","value":"metadata"}},{"kind":"Field","name":{"kind":"Name","value":"published_at"}},{"kind":"Field","name":{"kind":"Name","value":"created_at"}},{"kind":"Field","name":{"kind":"Name","value":"updated_at"}}]}}]}}]} as unknown as DocumentNode<PullArticlesQuery, PullArticlesQueryVariables>;
export const RefreshUsersDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"mutation","name":{"kind":"Name","value":"RefreshUsers"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"refresh_users"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}}]}}]}}]} as unknown as DocumentNode<RefreshUsersMutation, RefreshUsersMutationVariables>;
export const FindUserDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"query","name":{"kind":"Name","value":"FindUser"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"id"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"uuid"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"users_by_pk"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"id"},"value":{"kind":"Variable","name":{"kind":"Name","value":"id"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}}]}}]}}]} as unknown as DocumentNode<FindUserQuery, FindUserQueryVariables>;
export const PullTopicsDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"query","name":{"kind":"Name","value":"PullTopics"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"where"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"topics_bool_exp"}}}},{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"order_by"}},"type":{"kind":"NonNullType","type":{"kind":"ListType","type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"topics_order_by"}}}}}},{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"limit"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"Int"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"topics"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"where"},"value":{"kind":"Variable","name":{"kind":"Name","value":"where"}}},{"kind":"Argument","name":{"kind":"Name","value":"order_by"},"value":{"kind":"Variable","name":{"kind":"Name","value":"order_by"}}},{"kind":"Argument","name":{"kind":"Name","value":"limit"},"value":{"kind":"Variable","name":{"kind":"Name","value":"limit"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"title"}},{"kind":"Field","name":{"kind":"Name","value":"parent_id"}},{"kind":"Field","name":{"kind":"Name","value":"owner_id"}},{"kind":"Field","name":{"kind":"Name","value":"position"}},{"kind":"Field","name":{"kind":"Name","value":"created_at"}},{"kind":"Field","name":{"kind":"Name","value":"updated_at"}}]}}]}}]} as unknown as DocumentNode<PullTopicsQuery, PullTopicsQueryVariables>;
export const PullUsersDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"query","name":{"kind":"Name","value":"PullUsers"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"where"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"users_bool_exp"}}}},{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"order_by"}},"type":{"kind":"NonNullType","type":{"kind":"ListType","type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"users_order_by"}}}}}},{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"limit"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"Int"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"users"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"where"},"value":{"kind":"Variable","name":{"kind":"Name","value":"where"}}},{"kind":"Argument","name":{"kind":"Name","value":"order_by"},"value":{"kind":"Variable","name":{"kind":"Name","value":"order_by"}}},{"kind":"Argument","name":{"kind":"Name","value":"limit"},"value":{"kind":"Variable","name":{"kind":"Name","value":"limit"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"username"}},{"kind":"Field","name":{"kind":"Name","value":"display_name"}},{"kind":"Field","name":{"kind":"Name","value":"active"}},{"kind":"Field","name":{"kind":"Name","value":"created_at"}},{"kind":"Field","name":{"kind":"Name","value":"updated_at"}}]}}]}}]} as unknown as DocumentNode<PullUsersQuery, PullUsersQueryVariables>;