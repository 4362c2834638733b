/** A job that an older version of the project doesn't have: see `CHAOS_WITHOUT`. */
export const rollingJob = 'rolling'
/** How far pulls reach back, in seconds: longer than any transaction of the writers. */
export const lookbackSeconds = 20
