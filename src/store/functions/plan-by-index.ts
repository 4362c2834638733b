/**
 * For a function that finds single rows by their keys, whatever the tables hold: a connection keeps its plans, and those that it
 * made while a table was small or not yet analyzed would read all of it. Nor is a plan made anew for each set of values.
 */
export const planByIndex = 'set enable_seqscan = off set plan_cache_mode = force_generic_plan'
