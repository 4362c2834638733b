import { appTest } from '../fixtures/app-test.ts'
import { openTestDashboard } from './open-dashboard.ts'

/** `test` with the dashboard of the file's embedded app, and somebody who has opened its link. */
export const boardTest = appTest.extend('board', { scope: 'file' }, async ({ apps, closing }) =>
  closing.use(await openTestDashboard(await apps('embedded'))),
)
