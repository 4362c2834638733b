/**
 * Where and when a lease was taken: this run of the server, this file of the table, and the id of the transaction, which Postgres
 * stores with the row (`xmin`). A lease is intact while this is still true of its row: `l.origin = worker.lease_origin(l.xmin)`.
 *
 * A store that returned to an earlier state has the earlier row, including the run id, so only the row's location reveals it: a
 * row from a dump was written by another transaction, a copied database has other files, and a promoted standby, or a server
 * started on older files, is another run of the server. So is a server that was merely restarted without loss; the two can't be
 * told apart.
 *
 * A claim must not be inside a subtransaction, because the row would have the subtransaction's id.
 */
export const leaseOriginFunction = `
create function worker.lease_origin(p_xmin xid) returns text language sql stable as $$
  select concat_ws(' ', extract(epoch from pg_postmaster_start_time()), pg_relation_filepath('worker.leases'), p_xmin)
$$`
