// By its name, what an older Node lacks would end it with a SyntaxError before its version is checked.
import nodeModule from 'node:module'

/** The condition in package.json's `exports` that selects the engine's TypeScript sources. */
const sourceCondition = '@hasura-sync-worker/source'

/**
 * Lets modules imported from now on find the engine's sources, because a checkout has no build.
 *
 * @returns the arguments that another Node process needs for the same
 */
export function resolveToSources(): readonly string[] {
  nodeModule.registerHooks({
    resolve: (specifier, context, next) =>
      next(specifier, { ...context, conditions: [...context.conditions, sourceCondition] }),
  })
  return [`--conditions=${sourceCondition}`]
}
