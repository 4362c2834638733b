// The whole path on embedded parts: npm run demo, or npm run demo -- --exit
import { parseArgs } from 'node:util'
import { DemoError } from './demo-error.ts'
import { createNarrator } from './narrator.ts'
import { runDemo } from './run-demo.ts'

const { values } = parseArgs({
  options: {
    exit: { type: 'boolean', default: false },
    // For its own test: `secret` gives the worker a wrong secret, `worker` kills it during the demo.
    sabotage: { type: 'string' },
  },
})
const { sabotage } = values
const interrupt = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    if (!interrupt.signal.aborted) process.stdout.write('\nStopping …\n')
    interrupt.abort(new DemoError(`${signal} was received.`))
  })
}
// The reader has closed the pipe, as `| head` does.
process.stdout.on('error', () => interrupt.abort(new DemoError('Nobody reads the output.')))
try {
  await runDemo(
    { exit: values.exit, sabotage: sabotage === 'secret' || sabotage === 'worker' ? sabotage : undefined },
    createNarrator(Date.now),
    interrupt.signal,
  )
} catch (error) {
  if (!(error instanceof DemoError) && !interrupt.signal.aborted) console.error(error)
  process.exitCode = interrupt.signal.aborted ? 130 : 1
}
