/** Who may ask: a service on the loopback interface answers only to requests that were addressed to it there. */

const loopback = new Set(['127.0.0.1', 'localhost', '::1', '[::1]']);

/**
 * Whether a request came by a name that is not this machine's, which only happens when a page elsewhere has given
 * its own name our address.
 * @param listening address that the service listens on
 * @param host the request's `Host` header
 */
export function isForeignHost(listening: string, host: string | undefined): boolean {
  if (!loopback.has(listening)) return false;
  if (host === undefined) return false;
  const name = host.replace(/:\d+$/, '').toLowerCase();
  return !loopback.has(name);
}
