/**
 * For a function that finds single rows by key, however large the tables are. A connection caches its plans, and a plan made
 * while a table was small or not yet analyzed would scan all of it. A generic plan also avoids planning for each set of values.
 */
export const planByIndex = 'set enable_seqscan = off set plan_cache_mode = force_generic_plan'

/**
 * The same for one that finds a row for each of its arguments: any other join would read a whole table or index. A nested loop
 * would too, if the table was small when it was planned, so each of them also compares the key with an array of all arguments,
 * or has a limit.
 */
export const joinByIndex = `${planByIndex} set enable_hashjoin = off set enable_mergejoin = off`
