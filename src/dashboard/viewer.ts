import { z } from 'zod'

/** `view` may read, `operate` may change, `data` may see payloads and mirrored rows. */
export const rights = ['view', 'operate', 'data'] as const
export type Right = (typeof rights)[number]

/** Who looks at a page. */
export const viewerSchema = z.object({
  /** For people: a name or an address. */
  name: z.string(),
  /** As stored with requests: `http:<client>/<subject>`; absent for a viewer with the link, who may use all accounts. */
  caller: z.string().exactOptional(),
  rights: z.array(z.enum(rights)),
})
export type Viewer = z.infer<typeof viewerSchema>

export function may({ rights: own }: Viewer, right: Right): boolean {
  return own.includes(right)
}
