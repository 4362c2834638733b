import { z } from 'zod'

export interface Organization {
  readonly id: string
  readonly name: string
  readonly slug: string
  readonly status: 'active' | 'suspended'
  readonly billing_email: string
  readonly created_at: string
}

export interface Contact {
  readonly id: string
  readonly display_name: string
  readonly email: string
}

export const organizationInput = z.strictObject({
  name: z.string().min(1),
  slug: z.string().regex(/^[a-z\d-]+$/),
  billing_email: z.email(),
  plan_slug: z.string().optional(),
  admin_email: z.email().optional(),
  admin_first_name: z.string().optional(),
  admin_last_name: z.string().optional(),
})

export const organizationChange = z.strictObject({ name: z.string().min(1), billing_email: z.email() }).partial()

export const contactInput = z.strictObject({ display_name: z.string().min(1), email: z.email() })

/** So many of each, the same in every run. */
export function seedOrganizations(count: number): Organization[] {
  return Array.from({ length: count }, (_, index) => ({
    id: idOf('a', index),
    name: `Organization ${index}`,
    slug: `organization-${index}`,
    status: index % 10 === 9 ? 'suspended' : 'active',
    billing_email: `billing-${index}@example.com`,
    created_at: new Date(Date.UTC(2026, 0, 1) + index * 3_600_000).toISOString(),
  }))
}

export function seedContacts(count: number): Contact[] {
  return Array.from({ length: count }, (_, index) => ({
    id: idOf('c', index),
    display_name: `Contact ${index}`,
    email: `contact-${index}@example.com`,
  }))
}

function idOf(kind: string, index: number): string {
  return `${kind.repeat(8)}-0000-4000-8000-${index.toString(16).padStart(12, '0')}`
}
