// What the node answers, and what it tells by itself.

/** JSON of a path below /api; rejects with the node's own sentence. */
export async function ask(path, signal) {
  const response = await fetch(`/api/${path}`, { signal, headers: { accept: 'application/json' } });
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(body.error?.message ?? `HTTP ${response.status}`);
  return body;
}

/** Sends an operator's decision; rejects with the node's own sentence. */
export async function order(path, what) {
  const response = await fetch(`/api/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(what),
  });
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(body.error?.message ?? `HTTP ${response.status}`);
  return body;
}

/**
 * Calls back for every changed row, and when everything must be read again. The browser connects again by itself.
 * @param {{stock(row: object): void, view(row: object): void, reload(): void, status(text: string, kind: string): void}} on
 */
export function listen(on) {
  const source = new EventSource('/api/changes');
  let wasAway = false;
  source.addEventListener('hello', () => {
    on.status('live', 'good');
    if (wasAway) on.reload();
    wasAway = false;
  });
  source.addEventListener('stock', (event) => on.stock(JSON.parse(event.data)));
  source.addEventListener('view', (event) => on.view(JSON.parse(event.data)));
  source.addEventListener('reload', () => on.reload());
  source.addEventListener('error', () => {
    wasAway = true;
    on.status('connection lost, trying again', 'out');
    // After an answer that is no stream the browser gives up for good.
    if (source.readyState === EventSource.CLOSED) setTimeout(() => listen(on), 2_000);
  });
}
