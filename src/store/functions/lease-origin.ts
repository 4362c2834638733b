/**
 * Where and when a lease was taken: this run of the server, this file of the table, and the transaction whose number Postgres
 * keeps beside the row (`xmin`). A lease is intact while what it says of itself is still true of its row:
 * `l.origin = worker.lease_origin(l.xmin)`.
 *
 * A store that went back has the row of before, run id included, so only where it lies tells: a row that a dump has brought was
 * written by another transaction, a copied database has other files, and a standby that was promoted, or a server that begins on
 * older files, is another run of the server. That is also one that was only restarted, where nothing is lost: nobody can tell.
 *
 * A claim has to be part of no subtransaction, whose number the row would have instead.
 */
export const leaseOriginFunction = `
create function worker.lease_origin(p_xmin xid) returns text language sql stable as $$
  select concat_ws(' ', extract(epoch from pg_postmaster_start_time()), pg_relation_filepath('worker.leases'), p_xmin)
$$`
