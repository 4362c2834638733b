import { registerHooks } from 'node:module'

/** In package.json's `exports`, what leads to the engine's TypeScript sources. */
const sourceCondition = '@hasura-sync-worker/source'

/**
 * Lets the modules that this process imports from now on find the engine's sources, as a checkout has nothing built.
 *
 * @returns what another process of Node needs for the same
 */
export function resolveToSources(): readonly string[] {
  registerHooks({
    resolve: (specifier, context, next) =>
      next(specifier, { ...context, conditions: [...context.conditions, sourceCondition] }),
  })
  return [`--conditions=${sourceCondition}`]
}
