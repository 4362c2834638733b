import type { AnyPage } from '../page.ts'
import { accountPage } from './account.ts'
import { accountsPage } from './accounts.ts'
import { auditPage } from './audit.ts'
import { holdsPage } from './holds.ts'
import { jobPage } from './job.ts'
import { jobsPage } from './jobs.ts'
import { linePage } from './line.ts'
import { missingPage } from './missing.ts'
import { overviewPage } from './overview.ts'
import { requestPage } from './request.ts'
import { requestsPage } from './requests.ts'
import { runPage } from './run.ts'
import { runsPage } from './runs.ts'
import { schedulesPage } from './schedules.ts'
import { subscribersPage } from './subscribers.ts'
import { tablePage } from './table.ts'
import { tablesPage } from './tables.ts'

/** All pages; those with a label in the order of the navigation. */
export const pages: readonly AnyPage[] = [
  overviewPage,
  accountsPage,
  jobsPage,
  requestsPage,
  runsPage,
  tablesPage,
  holdsPage,
  schedulesPage,
  subscribersPage,
  auditPage,
  accountPage,
  jobPage,
  linePage,
  missingPage,
  requestPage,
  runPage,
  tablePage,
]
