// The living nodes and their partitions, and how this node is doing.

import { ask } from './api.js';
import { el, figure, table } from './dom.js';
import { clock, duration, number, ranges } from './format.js';

const everyMs = 1_000;

export class NodesView {
  element = el('section');
  #info;
  #timer;

  constructor(info) {
    this.#info = info;
  }

  async load() {
    clearTimeout(this.#timer);
    const { nodes, here } = await ask('nodes');
    this.element.replaceChildren(...this.#draw(nodes, here));
    this.#timer = setTimeout(() => this.load().catch(() => {}), everyMs);
  }

  close() {
    clearTimeout(this.#timer);
  }

  #draw(nodes, here) {
    const served = new Set(nodes.flatMap(({ partitions }) => partitions));
    const waiting = here.partitions.reduce((sum, { mailbox }) => sum + mailbox, 0);
    return [
      el(
        'div',
        { class: 'figures' },
        figure('living nodes', number(nodes.length)),
        figure('partitions served', `${served.size} of ${this.#info.partitions}`),
        figure('commands waiting here', number(waiting)),
        figure('SKU actors here', number(here.residents)),
        figure('clock against NATS', `${here.clockOffsetMs} ms`),
      ),
      table(nodes, [
        {
          title: 'Node',
          cell: (node) => (node.name === here.name ? `${node.name} (here)` : node.name),
        },
        { title: 'State', cell: (node) => state(node) },
        { title: 'Partitions', cell: (node) => ranges(node.partitions) },
        { title: 'Up', cell: (node) => duration(Date.now() - node.startedAtMs) },
        { title: 'Last heard of', cell: (node) => clock(node.renewedAtMs) },
        { title: 'Console', cell: (node) => link(node.httpUrl) },
      ]),
      el('h2', {}, `Partitions of ${here.name}`),
      table(here.partitions, [
        { title: 'Partition', number: true, cell: ({ partition }) => partition },
        { title: 'State', cell: (partition) => phase(partition) },
        { title: 'Last commit', number: true, cell: ({ headSeq }) => number(headSeq) },
        { title: 'Since checkpoint', number: true, cell: (p) => number(p.behindCheckpoint) },
        { title: 'Waiting', number: true, cell: ({ mailbox }) => number(mailbox) },
        { title: 'Actors', number: true, cell: ({ residents }) => number(residents) },
        { title: '', cell: ({ trouble }) => trouble ?? '' },
      ]),
    ];
  }
}

function state(node) {
  return node.leaving
    ? el('span', { class: 'chip low' }, 'leaving')
    : el('span', { class: 'chip good' }, 'living');
}

function phase({ phase: name, trouble }) {
  const kind = trouble ? 'out' : name === 'serving' ? 'good' : 'low';
  return el('span', { class: `chip ${kind}` }, name);
}

/** Only addresses: a node's record is data like any other. */
function link(url) {
  return url !== undefined && /^https?:\/\//.test(url) ? el('a', { href: url }, url) : '–';
}
