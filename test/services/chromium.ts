import { existsSync } from 'node:fs'

/** Debian's browser, or the one that CHROMIUM_PATH names; undefined where there is none. */
export const chromiumPath = [process.env.CHROMIUM_PATH, '/usr/bin/chromium'].find(
  path => path !== undefined && existsSync(path),
)
