import type { Narrator } from './narrator.ts'
import { type Sandbox, workerClient } from './open-sandbox.ts'

const lookEveryMs = 25

/** Prints the worker's requests to the identity provider, and those of its first login to the API, as these receive them. */
export function watchSandbox({ identity, hasura }: Sandbox, narrator: Narrator): Disposable {
  let tokensSeen = 0
  let requestsSeen = 0
  const tell = (): void => {
    for (; tokensSeen < identity.tokenRequests.length; tokensSeen++) {
      const request = identity.tokenRequests[tokensSeen]
      if (request?.clientId !== workerClient) continue
      if (request.status === 0) return
      narrator.say(
        'identity',
        request.status === 200
          ? `gives ${workerClient} a token (client credentials)`
          : `refuses ${workerClient} a token with HTTP ${request.status}`,
      )
    }
    for (; requestsSeen < hasura.requests.length; requestsSeen++) {
      const request = hasura.requests[requestsSeen]
      if (request?.operationName === 'RefreshUsers') narrator.say('api', 'refresh_users: the user is on its way')
      if (request?.operationName === 'FindUser') narrator.say('api', 'is asked whether the user is visible')
    }
  }
  const timer = setInterval(tell, lookEveryMs)
  return {
    [Symbol.dispose]() {
      clearInterval(timer)
    },
  }
}
