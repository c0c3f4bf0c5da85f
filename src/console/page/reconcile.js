// The latest reconciliation, and what waits for a decision.

import { ask, order } from './api.js';
import { el, empty, figure, table } from './dom.js';
import { moment, number, words } from './format.js';

const everyMs = 3_000;

export class ReconcileView {
  element = el('section');
  #timer;
  #said = '';

  async load() {
    clearTimeout(this.#timer);
    const { latest, open } = await ask('reconcile');
    const proposals = open.flatMap(({ sku, proposals: all }) =>
      all.map((one) => ({ sku, ...one })),
    );
    const waiting = proposals.filter(({ status }) => status === 'open');
    this.element.replaceChildren(
      ...(latest === null ? [noReport()] : reportOf(latest)),
      el('h2', {}, `Waiting for approval (${waiting.length})`),
      waiting.length === 0 ? empty('Nothing waits for approval.') : this.#proposals(waiting),
      el('p', { class: 'soft', role: 'status' }, this.#said),
    );
    this.#timer = setTimeout(() => this.load().catch(() => {}), everyMs);
  }

  close() {
    clearTimeout(this.#timer);
  }

  #proposals(waiting) {
    return table(waiting, [
      { title: 'SKU', class: 'sku', cell: ({ sku }) => sku },
      { title: 'Location', cell: ({ location }) => location },
      { title: 'Correction', number: true, cell: ({ delta }) => signed(delta) },
      { title: 'Source', cell: ({ source }) => source },
      { title: 'Since', cell: ({ sinceMs }) => moment(sinceMs) },
      { title: 'Rests on', cell: ({ evidence }) => evidence.snapshotIds.join(', ') },
      {
        title: '',
        cell: (one) =>
          el(
            'span',
            { class: 'buttons' },
            this.#button('Approve', 'approve', one),
            this.#button('Reject', 'reject', one),
          ),
      },
    ]);
  }

  #button(label, what, { sku, location, source }) {
    const decide = async (event) => {
      event.target.disabled = true;
      try {
        const { results } = await order(`reconcile/${what}`, { sku, location, source });
        this.#said = results
          .map((result) => `${result.sku}: ${signed(result.delta)} ${words(result.outcome)}`)
          .join(', ');
      } catch (error) {
        this.#said = error.message;
      }
      await this.load();
    };
    return el('button', { type: 'button', onclick: decide }, label);
  }
}

function noReport() {
  return empty(
    'No reconciliation has run yet: lastunit reconcile --erp <source> --dry-run tries one.',
  );
}

function reportOf(latest) {
  const { lines = {}, corrections, drift = {}, views = [] } = latest;
  const corrected = corrections ? corrections.lowered.lines + corrections.raised.lines : 0;
  return [
    el(
      'div',
      { class: 'figures' },
      figure('source', latest.source),
      figure('ended', moment(latest.endedAtMs)),
      figure('outcome', words(latest.outcome)),
      figure('lines compared', number(lines.compared)),
      figure('lines corrected', number(corrected)),
    ),
    latest.message ? el('div', { class: 'card empty' }, latest.message) : null,
    ...groupOf('Drift, by cause', Object.entries(drift), [
      { title: 'Cause', cell: ([cause]) => words(cause) },
      { title: 'Lines', number: true, cell: ([, tally]) => number(tally.lines) },
      { title: 'Units', number: true, cell: ([, tally]) => number(tally.units) },
    ]),
    ...['corrected', 'explained', 'waiting'].flatMap((kind) =>
      groupOf(titles[kind], latest[kind] ?? [], lineColumns),
    ),
    ...groupOf('Views', views, [
      { title: 'Bucket', cell: ({ bucket }) => bucket },
      ...['checked', 'missing', 'different', 'rewritten'].map((name) => ({
        title: name,
        number: true,
        cell: (view) => number(view[name]),
      })),
    ]),
  ].filter((node) => node !== null);
}

const titles = {
  corrected: 'Corrected',
  explained: 'Explained by postings',
  waiting: 'Not proven often enough',
};

const lineColumns = [
  { title: 'SKU', class: 'sku', cell: ({ sku }) => sku },
  { title: 'Location', cell: ({ location }) => location },
  { title: 'ERP', number: true, cell: ({ observed }) => number(observed) },
  {
    title: 'Expected',
    number: true,
    cell: ({ lo, hi }) => (lo === hi ? number(lo) : `${lo} to ${hi}`),
  },
  { title: 'Drift', number: true, cell: ({ drift }) => signed(drift) },
  { title: 'Why', cell: ({ cause, result }) => words(cause ?? result ?? '') },
];

function groupOf(title, rows, columns) {
  return rows.length === 0 ? [] : [el('h2', {}, title), table(rows, columns)];
}

function signed(units) {
  return units > 0 ? `+${number(units)}` : number(units);
}
