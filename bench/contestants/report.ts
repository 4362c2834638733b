/** What a contestant reports on its last line; `dlt-merge.py` reports the same. */
export function report(measured: { readonly seconds: number; readonly rows: number }): void {
  // Node reports kibibytes on every platform.
  const peakMegabytes = process.resourceUsage().maxRSS / 1024
  process.stdout.write(`${JSON.stringify({ ...measured, peakMegabytes })}\n`)
}
