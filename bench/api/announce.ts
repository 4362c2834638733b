/** Tells the process that started this one where it serves and, whenever it asks, how many requests it has had. Ends with it. */
export function announce(url: string, countRequests: () => number): void {
  process.once('disconnect', () => process.exit())
  process.on('message', () => process.send?.({ requests: countRequests() }))
  process.send?.({ url })
}
