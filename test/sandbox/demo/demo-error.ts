/** The demo failed; the message says at which step and why. */
export class DemoError extends Error {
  override readonly name = 'DemoError'
}
