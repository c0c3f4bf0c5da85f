// The latest reconciliation and what waits for approval.

import { ask } from './api.js';
import { el, empty, figure, table } from './dom.js';
import { moment, number, words } from './format.js';

const everyMs = 3_000;

export class ReconcileView {
  element = el('section');
  #timer;

  async load() {
    clearTimeout(this.#timer);
    const { latest, open } = await ask('reconcile');
    this.element.replaceChildren(
      ...(latest === null ? [noReport()] : report(latest)),
      el('h2', {}, `Waiting for approval (${open.length})`),
      open.length === 0 ? empty('Nothing waits for approval.') : proposals(open),
    );
    this.#timer = setTimeout(() => this.load().catch(() => {}), everyMs);
  }

  close() {
    clearTimeout(this.#timer);
  }
}

function noReport() {
  return empty(
    'No reconciliation has run yet: lastunit reconcile --erp <source> --dry-run tries one.',
  );
}

/** Whatever the report tells: its plain values as figures, its groups as small tables. */
function report(latest) {
  const plain = Object.entries(latest).filter(([, value]) => typeof value !== 'object');
  const groups = Object.entries(latest).filter(([, value]) => isGroup(value));
  return [
    el(
      'div',
      { class: 'figures' },
      plain.map(([name, value]) => figure(title(name), shown(name, value))),
    ),
    ...groups.flatMap(([name, value]) => [
      el('h2', {}, title(name)),
      table(Object.entries(value), [
        { title: '', cell: ([key]) => title(key) },
        { title: '', number: true, cell: ([key, item]) => shown(key, item) },
      ]),
    ]),
  ];
}

function isGroup(value) {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.values(value).some((item) => typeof item !== 'object')
  );
}

function proposals(open) {
  return el(
    'div',
    {},
    table(open, [
      { title: 'SKU', class: 'sku', cell: ({ sku }) => sku },
      { title: 'Location', cell: ({ location }) => location ?? '' },
      { title: 'Change', number: true, cell: ({ delta }) => number(delta) },
      { title: 'Source', cell: ({ source }) => source ?? '' },
      { title: 'Why', cell: ({ reason, cause, why }) => words(reason ?? cause ?? why ?? '') },
    ]),
    el(
      'p',
      { class: 'soft' },
      'Decide with ',
      el('code', {}, 'lastunit reconcile approve <sku>'),
      ' or ',
      el('code', {}, 'lastunit reconcile reject <sku>'),
      '.',
    ),
  );
}

function shown(name, value) {
  if (typeof value === 'number')
    return /Ms$/.test(name) && value > 1e11 ? moment(value) : number(value);
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** `quarantinedLines` → `quarantined lines`. */
function title(name) {
  return words(
    name
      .replace(/Ms$/, '')
      .replace(/([a-z])([A-Z])/g, '$1 $2')
      .toLowerCase(),
  );
}
