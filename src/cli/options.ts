import { z } from 'zod'
import { messageOf, UsageError } from '../errors.ts'
import { parseStrictJson } from '../json/strict-json.ts'
import { findNearNames } from '../names/near-names.ts'
import { listed } from '../operations/values.ts'

/** The help text of an argument or option, and how the command line parses it. */
export interface Words {
  readonly text: string
  /** Placeholder of the value in the help, such as `NAME`; an option without one is a switch. */
  readonly value?: string
  readonly isRepeated?: true
  /** The argument may be left out. */
  readonly isOptional?: true
}

const words = z.registry<Words>()

/** @throws TypeError for a schema that wasn't made by a function of this file */
export function wordsOf(schema: z.core.$ZodType): Words {
  const found = words.get(schema)
  if (!found) throw new TypeError('an argument or option without a text')
  return found
}

/** In `--account --dry-run` the account is missing: its name isn't `--dry-run`. */
const optionValue = z
  .string()
  .min(1, 'give it a value')
  .refine(value => !value.startsWith('--'), {
    message: 'give it a value that does not begin with two dashes',
  })

/** A required argument. */
export function argument(text: string) {
  return z.string().min(1, 'give it a value').register(words, { text })
}

export function optionalArgument(text: string) {
  return z.string().min(1, 'give it a value').optional().register(words, { text, isOptional: true })
}

/** A switch: true when given. */
export function flag(text: string) {
  return z.boolean().default(false).register(words, { text })
}

export function textOption(value: string, text: string) {
  return optionValue.optional().register(words, { value, text })
}

/** One of a few words; undefined when not given. */
export function choiceOption<const Choice extends string>(value: string, text: string, choices: readonly Choice[]) {
  return z
    .string()
    .optional()
    .transform((given, context): Choice | undefined => {
      if (given === undefined) return undefined
      const chosen = choices.find(choice => choice === given)
      if (chosen !== undefined) return chosen
      const near = findNearNames(given, choices)
      const message = near.length > 0 ? `did you mean ${near.join(' or ')}?` : `give one of ${choices.join(', ')}`
      context.addIssue({ code: 'custom', message })
      return z.NEVER
    })
    .register(words, { value, text: `${text}: ${choices.join(', ')}` })
}

/** A repeatable option; an empty list when not given. */
export function textsOption(value: string, text: string) {
  return z.array(optionValue).default([]).register(words, { value, text, isRepeated: true })
}

/** A whole number; without a default it is undefined when not given. */
export function numberOption<Default extends number | undefined>(
  value: string,
  text: string,
  { min, max, default: otherwise }: { readonly min: number; readonly max: number; readonly default: Default },
) {
  return z
    .string()
    .optional()
    .transform((given, context): number | Default => {
      if (given === undefined) return otherwise
      const number = Number(given)
      if (/^\d+$/.test(given) && number >= min && number <= max) return number
      context.addIssue({ code: 'custom', message: `give a whole number from ${min} to ${max}` })
      return z.NEVER
    })
    .register(words, { value, text })
}

/** JSON of any shape; the caller validates it. */
export function jsonOption(value: string, text: string) {
  return z
    .string()
    .optional()
    .transform((given, context): unknown => {
      try {
        return given === undefined ? undefined : parseStrictJson(given)
      } catch (error) {
        const [found, message] =
          error instanceof UsageError
            ? [`can't be used (${error.found})`, error.remedy ?? '']
            : [`is not JSON (${messageOf(error)})`, `quote it for the shell, as in '{"since":"2026-01-01"}'`]
        context.addIssue({ code: 'custom', message, params: { found } })
        return z.NEVER
      }
    })
    .register(words, { value, text })
}

export const jsonOutput = flag('write one JSON document to stdout and nothing else')

export const limitOption = numberOption('N', `maximum number, 1 to ${listed.most}; default: ${listed.usual}`, {
  min: 1,
  max: listed.most,
  default: listed.usual,
})

/** For commands that act on one account. */
export const oneAccount = textOption('NAME', 'account; required only when there are several')
