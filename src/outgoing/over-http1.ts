import { type Dispatcher, Dispatcher1Wrapper } from 'undici'

/**
 * The same connections, over HTTP/1.1 even if a server offers HTTP/2: each request then fails alone, and not with all others of its
 * connection. Also understands the `fetch` of Node 24, whose undici is older than ours.
 */
export function overHttp1(dispatcher: Dispatcher): Dispatcher {
  return new Dispatcher1Wrapper(dispatcher)
}
