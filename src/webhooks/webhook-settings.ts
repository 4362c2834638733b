import { z } from 'zod'
import { readInsecureHosts } from '../config/read-address.ts'
import { renderExplanation, type Told } from '../explanation.ts'
import { explainInsecure } from '../outgoing/secure-address.ts'
import { isWebhookSecret } from './sign-message.ts'

/** Where a subscription's messages are sent, and how they are signed. */
export interface WebhookTarget {
  readonly url: URL
  /** The current secret and, during a rotation, the previous one. */
  readonly secrets: readonly string[]
  /** Hosts that it may reach besides the public internet, as in URLs. */
  readonly privateHosts: readonly string[]
}

/** The settings of one subscription, each from the environment, a file, or the accounts file. */
export interface WebhookSettings {
  readonly schema: z.ZodType<Readonly<Record<string, string | undefined>>> & {
    readonly shape: Readonly<Record<string, unknown>>
  }
  read(values: Readonly<Record<string, string | undefined>>): WebhookTarget
}

/**
 * `articles-to-search` → `articlesToSearchUrl`, `articlesToSearchSecret`, `articlesToSearchPreviousSecret`, and two shared by all.
 */
export function createWebhookSettings(webhook: string): WebhookSettings {
  const prefix = webhook.replaceAll(/-+([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
  const names = {
    url: `${prefix}Url`,
    secret: `${prefix}Secret`,
    previous: `${prefix}PreviousSecret`,
    privateHosts: 'webhookPrivateHosts',
    insecureHosts: 'allowInsecureHosts',
  }
  const secret = z.string().refine(isWebhookSecret, 'a secret is whsec_ followed by 24 to 64 random bytes in Base64')
  const schema = z
    .object({
      [names.url]: z.string().refine(isAddress, 'set it to a URL such as https://search.example.com/webhooks'),
      [names.secret]: secret,
      [names.previous]: secret.optional(),
      [names.privateHosts]: z.string().optional(),
      [names.insecureHosts]: z.string().optional(),
    })
    .superRefine((values, context) => {
      const report = (name: string, problems: readonly Told[]): void => {
        for (const problem of problems) {
          context.addIssue({ code: 'custom', path: [name], message: renderExplanation(problem) })
        }
      }
      const problems: Told[] = []
      readInsecureHosts(values[names.privateHosts], problems, 'WEBHOOK_PRIVATE_HOSTS')
      report(names.privateHosts, problems)
      const insecureHosts = readInsecureHosts(values[names.insecureHosts], [])
      const insecure = explainInsecure(new URL(values[names.url] ?? ''), 'the address', { insecureHosts })
      report(names.url, insecure ? [insecure] : [])
    })
  return {
    schema,
    read: values => ({
      url: new URL(values[names.url] ?? ''),
      secrets: [values[names.secret], values[names.previous]].filter(value => value !== undefined),
      privateHosts: readInsecureHosts(values[names.privateHosts], []),
    }),
  }
}

function isAddress(text: string): boolean {
  const url = URL.parse(text)
  return (url?.protocol === 'https:' || url?.protocol === 'http:') && !url.username && !url.password && !url.hash
}
