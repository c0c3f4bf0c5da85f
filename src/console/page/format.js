// Numbers, times and words as people read them.

const numbers = new Intl.NumberFormat('en-US');

export function number(value) {
  return value === undefined || value === null ? '–' : numbers.format(value);
}

export function clock(atMs) {
  return new Date(atMs).toLocaleTimeString('en-GB');
}

export function moment(atMs) {
  return `${new Date(atMs).toLocaleDateString('en-CA')} ${clock(atMs)}`;
}

/** `2h 5m`: the two largest units. */
export function duration(ms) {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  const parts = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3_600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'm'],
    [seconds % 60, 's'],
  ].filter(([n]) => n > 0);
  return (
    parts
      .slice(0, 2)
      .map(([n, unit]) => n + unit)
      .join(' ') || '0s'
  );
}

/** `0–3, 7`. */
export function ranges(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const parts = [];
  for (let at = 0; at < sorted.length; ) {
    let end = at;
    while (sorted[end + 1] === sorted[end] + 1) end += 1;
    parts.push(at === end ? `${sorted[at]}` : `${sorted[at]}–${sorted[end]}`);
    at = end + 1;
  }
  return parts.join(', ') || '–';
}

/** `out_of_stock` → `out of stock`. */
export function words(name) {
  return String(name ?? '–').replaceAll('_', ' ');
}
