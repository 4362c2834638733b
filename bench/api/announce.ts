/** Reports the URL to the parent process, and the number of requests whenever it asks. Exits with the parent. */
export function announce(url: string, countRequests: () => number): void {
  process.once('disconnect', () => process.exit())
  process.on('message', () => process.send?.({ requests: countRequests() }))
  process.send?.({ url })
}
