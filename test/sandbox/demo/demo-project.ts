import { join } from 'node:path'
import type { Project } from '../../../src/config/project.ts'
import { wikiProject } from '../../fixtures/wiki-project.ts'

/** The wiki, with a job that is live. */
export const demoProject: Project = { ...wikiProject, folder: join(import.meta.dirname, 'project') }
