// One SKU: the lines that make up its number, what each channel sees, its holds and its story.

import { ask } from './api.js';
import { el, table } from './dom.js';
import { clock, duration, moment, number, words } from './format.js';

const storyLength = 60;
const refreshEveryMs = 400;

export class DetailPanel {
  #element;
  #closed;
  #sku = '';
  #channels = [];
  #channel = '';
  #timer;

  constructor(element, closed) {
    this.#element = element;
    this.#closed = closed;
    addEventListener('keydown', (event) => {
      if (event.key === 'Escape' && this.#sku !== '') this.#closed();
    });
  }

  async open(sku, info) {
    this.#sku = sku;
    this.#channels = info.channels.filter(({ view }) => view).map(({ name }) => name);
    this.#element.hidden = false;
    await this.#load();
    this.#element.querySelector('button')?.focus();
  }

  close() {
    this.#sku = '';
    this.#element.hidden = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** The SKU's row has changed: what is shown of it follows, not more often than one can read. */
  changed(sku) {
    if (sku !== this.#sku || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (this.#sku === sku) this.#load();
    }, refreshEveryMs);
  }

  async #load() {
    const sku = this.#sku;
    const path = `sku=${encodeURIComponent(sku)}`;
    const channel = this.#channel === '' ? '' : `&channel=${this.#channel}`;
    try {
      const [row, explained, history] = await Promise.all([
        ask(`stock?${path}`),
        ask(`explain?${path}${channel}`),
        ask(`history?${path}&limit=${storyLength}`),
      ]);
      if (sku === this.#sku) this.#element.replaceChildren(...this.#draw(row, explained, history));
    } catch (error) {
      if (sku === this.#sku)
        this.#element.replaceChildren(this.#top(sku), el('p', {}, error.message));
    }
  }

  #draw(row, explained, history) {
    return [
      this.#top(row.sku),
      el('h2', {}, 'Channels'),
      table(Object.entries(row.channels), [
        { title: 'Channel', cell: ([name]) => name },
        { title: 'Available', number: true, cell: ([, view]) => number(view?.available) },
        {
          title: 'Status',
          cell: ([, view]) =>
            el('span', { class: `chip ${view?.status ?? ''}` }, words(view?.status)),
        },
      ]),
      el('h2', {}, 'Why ', this.#chooser()),
      this.#sum(explained),
      el('h2', {}, 'Locations'),
      table(Object.entries(row.locations), [
        { title: 'Location', cell: ([name]) => name },
        { title: 'On hand', number: true, cell: ([, at]) => number(at.onHand) },
        { title: 'Reserved', number: true, cell: ([, at]) => number(at.reserved) },
      ]),
      el('h2', {}, `Holds (${number(row.reservations)})`),
      this.#holds(explained.holds),
      el('h2', {}, `History (the latest of ${number(history.total)} events)`),
      story(history.events),
    ];
  }

  #top(sku) {
    const button = el('button', { type: 'button', onclick: () => this.#closed() }, 'Close');
    return el('div', { class: 'top' }, el('h1', {}, sku), button);
  }

  #chooser() {
    const options = ['', ...this.#channels].map((name) =>
      el('option', { value: name, selected: name === this.#channel }, name || 'everybody'),
    );
    const change = (event) => {
      this.#channel = event.target.value;
      this.#load();
    };
    return el('select', { 'aria-label': 'Channel', onchange: change }, options);
  }

  #sum(explained) {
    const lines = explained.lines.map((line) => [
      'cap' in line ? `≤ ${number(line.cap)}` : number(line.delta),
      line.note ? `${line.what} (${line.note})` : line.what,
    ]);
    if (explained.corrections > 0) {
      lines.push([
        '',
        `on hand includes ${explained.corrected} of ${explained.corrections} corrections`,
      ]);
    }
    lines.push([`= ${number(explained.available)}`, 'available']);
    const rows = lines.map(([amount, what]) =>
      el('tr', {}, el('td', {}, amount), el('td', {}, what)),
    );
    return el('div', { class: 'card sum' }, el('table', {}, el('tbody', {}, rows)));
  }

  #holds(holds) {
    if (holds.length === 0) return el('div', { class: 'card empty' }, 'No open holds');
    return table(holds, [
      { title: 'Channel', cell: (hold) => hold.channel },
      { title: 'Units', number: true, cell: (hold) => number(hold.qty) },
      { title: 'Reservation', cell: (hold) => el('code', {}, hold.id) },
      {
        title: 'Ends in',
        cell: (hold) =>
          el('span', { title: moment(hold.expiresAtMs) }, duration(hold.expiresAtMs - Date.now())),
      },
    ]);
  }
}

function story(events) {
  const items = events.toReversed().map((event) => {
    const units = event.delta ?? event.qty;
    const about = [event.channel, event.order ?? event.ref ?? event.reservation ?? event.reason]
      .filter(Boolean)
      .join(' · ');
    return el(
      'li',
      { title: `version ${event.version}, ${moment(event.atMs)}` },
      el('span', { class: 'soft' }, clock(event.atMs)),
      el(
        'span',
        {},
        `${event.type}${units === undefined ? '' : ` ${units}`} `,
        el('span', { class: 'soft' }, about),
      ),
      el('span', { class: 'soft' }, `${event.onHand} / ${event.available}`),
    );
  });
  return el('div', { class: 'card' }, el('ul', { class: 'story' }, items));
}
