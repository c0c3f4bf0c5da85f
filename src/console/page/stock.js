// All SKUs with what each channel may sell, searched by name, changing as the system does.

import { ask } from './api.js';
import { el, empty, figure } from './dom.js';
import { clock, number, words } from './format.js';

const pageSize = 50;
const newRowsEveryMs = 1_000;
const figuresEveryMs = 250;

export class StockView {
  element = el('section');
  #channels;
  #rows = new Map();
  #query = '';
  #offset = 0;
  #found = { matches: 0, total: 0 };
  #body = el('tbody');
  #status = el('span', { class: 'soft' });
  #figures = el('div', { class: 'figures' });
  #card = el('div', { class: 'card' });
  #back = el('button', { type: 'button', onclick: () => this.#turn(-pageSize) }, '‹ Back');
  #next = el('button', { type: 'button', onclick: () => this.#turn(pageSize) }, 'Next ›');
  #searching;
  #newRows;
  #figureTimer;

  constructor(info) {
    this.#channels = info.channels.filter(({ view }) => view).map(({ name }) => name);
    const search = el('input', {
      type: 'search',
      placeholder: 'Search SKUs',
      'aria-label': 'Search SKUs',
      oninput: () => this.#search(search.value),
    });
    const bar = el('div', { class: 'bar' }, search, this.#status, el('span', { class: 'grow' }));
    bar.append(this.#back, this.#next);
    const titles = ['SKU', 'On hand', 'Reserved', 'Available', ...this.#channels, 'Changed'];
    const head = titles.map((title, at) =>
      el('th', { scope: 'col', class: at > 0 && at < titles.length - 1 ? 'number' : '' }, title),
    );
    this.#card.append(el('table', {}, el('thead', {}, el('tr', {}, head)), this.#body));
    this.element.append(this.#figures, bar, this.#card);
  }

  async load() {
    this.#searching?.abort();
    this.#searching = new AbortController();
    const query = `q=${encodeURIComponent(this.#query)}&offset=${this.#offset}&limit=${pageSize}`;
    const found = await ask(`stock?${query}`, this.#searching.signal);
    this.#found = found;
    this.#rows = new Map(found.rows.map((row) => [row.sku, { row, element: this.#draw(row) }]));
    this.#body.replaceChildren(...[...this.#rows.values()].map(({ element }) => element));
    this.#describe();
  }

  /** A row of `inv_stock` has changed. */
  stock(row) {
    if (this.#rows.has(row.sku)) this.#replace(row.sku, row);
    else this.#loadSoon();
  }

  /** A row of a channel's view has changed. */
  channel({ channel, sku, available, status }) {
    const known = this.#rows.get(sku)?.row;
    if (known === undefined) return;
    this.#replace(sku, { channels: { ...known.channels, [channel]: { available, status } } });
  }

  close() {
    this.#searching?.abort();
    clearTimeout(this.#newRows);
    clearTimeout(this.#figureTimer);
  }

  #replace(sku, changes) {
    const entry = this.#rows.get(sku);
    entry.row = { ...entry.row, ...changes };
    const fresh = this.#draw(entry.row, 'flash');
    entry.element.replaceWith(fresh);
    entry.element = fresh;
    this.#figureTimer ??= setTimeout(() => this.#showFigures(), figuresEveryMs);
  }

  /** A SKU that is not on this page: perhaps a new one. Rarely enough not to matter. */
  #loadSoon() {
    if (this.#newRows !== undefined || this.#found.total > pageSize) return;
    this.#newRows = setTimeout(() => {
      this.#newRows = undefined;
      this.load().catch(() => {});
    }, newRowsEveryMs);
  }

  #draw(row, flash = '') {
    const open = () => {
      location.hash = `stock/${encodeURIComponent(row.sku)}`;
    };
    const channels = this.#channels.map((name) => {
      const view = row.channels?.[name];
      const cell = el(
        'span',
        { class: `available ${view?.status ?? ''}`, title: words(view?.status) },
        number(view?.available),
      );
      return el('td', { class: 'number' }, cell);
    });
    return el(
      'tr',
      {
        class: `link ${flash}`,
        tabindex: 0,
        onclick: open,
        onkeydown: (event) => event.key === 'Enter' && open(),
      },
      el('td', { class: 'sku', title: row.sku }, row.sku),
      el('td', { class: 'number' }, number(row.onHand)),
      el('td', { class: 'number' }, number(row.reserved)),
      el('td', { class: 'number' }, number(row.available)),
      channels,
      el('td', { class: 'soft' }, clock(row.updatedAtMs)),
    );
  }

  #showFigures() {
    this.#figureTimer = undefined;
    const rows = [...this.#rows.values()].map(({ row }) => row);
    const sum = (field) => rows.reduce((units, row) => units + row[field], 0);
    const out = rows.filter(({ available }) => available === 0).length;
    this.#figures.replaceChildren(
      figure('SKUs', number(this.#found.total)),
      figure('on hand, on this page', number(sum('onHand'))),
      figure('reserved, on this page', number(sum('reserved'))),
      figure('out of stock, on this page', number(out)),
    );
  }

  #describe() {
    this.#showFigures();
    const { matches, truncated } = this.#found;
    const last = Math.min(this.#offset + pageSize, matches);
    const part = truncated ? ', of the first 200,000' : '';
    this.#status.textContent =
      matches === 0
        ? ''
        : `${number(this.#offset + 1)}–${number(last)} of ${number(matches)}${part}`;
    this.#back.disabled = this.#offset === 0;
    this.#next.disabled = last >= matches;
    const nothing =
      this.#query === '' ? 'No stock yet: lastunit import brings some.' : 'No such SKU.';
    if (matches === 0)
      this.#body.replaceChildren(el('tr', {}, el('td', { colspan: 99 }, empty(nothing))));
  }

  #turn(by) {
    this.#offset = Math.max(0, this.#offset + by);
    this.load().catch(() => {});
  }

  #search(text) {
    this.#query = text;
    this.#offset = 0;
    this.load().catch(() => {});
  }
}
