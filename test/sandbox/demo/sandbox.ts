// Only the demo's identity provider and API, for work on jobs without a Keycloak and a Hasura: npm run sandbox
import { openSandbox } from './open-sandbox.ts'

const workerPort = 8088

await using sandbox = await openSandbox({ workerPort, wrongSecret: false })
sandbox.identity.setTokenLifetime(300)
process.stdout.write(`An identity provider like Keycloak at ${sandbox.identity.issuer}
and an API like Hasura at ${sandbox.hasura.url} are running until Ctrl-C.

In another terminal, in this folder:
    . ${sandbox.environmentFile}
    npm run -s cli -- add articles
    npm run -s cli -- run sync-articles
    npm start
`)
await new Promise(resolve => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, resolve)
})
