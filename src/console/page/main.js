// The console: which view is shown, and who hears of changes.

import { ask, listen } from './api.js';
import { DetailPanel } from './detail.js';
import { el } from './dom.js';
import { NodesView } from './nodes.js';
import { ReconcileView } from './reconcile.js';
import { StockView } from './stock.js';

const main = document.getElementById('main');
const live = document.getElementById('live');
const detail = new DetailPanel(document.getElementById('detail'), () => {
  location.hash = current.name;
});

const makers = {
  stock: (info) => new StockView(info),
  nodes: (info) => new NodesView(info),
  reconcile: (info) => new ReconcileView(info),
};
let info = { channels: [] };
let current = { name: '', view: undefined };

/** `#stock`, `#nodes`, `#stock/<sku>`. */
async function route() {
  const [name = 'stock', ...rest] = location.hash.slice(1).split('/');
  const wanted = name in makers ? name : 'stock';
  if (wanted !== current.name) show(wanted);
  const sku = decodeURIComponent(rest.join('/'));
  if (sku === '') detail.close();
  else await detail.open(sku, info);
}

function show(name) {
  current.view?.close?.();
  current = { name, view: makers[name](info) };
  for (const link of document.querySelectorAll('nav a')) {
    if (link.dataset.view === name) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  main.replaceChildren(current.view.element);
  reload();
}

function reload() {
  current.view?.load().catch((error) => {
    main.replaceChildren(el('div', { class: 'card empty' }, error.message));
    setTimeout(() => show(current.name), 3_000);
  });
}

listen({
  stock: (row) => {
    current.view?.stock?.(row);
    detail.changed(row.sku);
  },
  view: (row) => current.view?.channel?.(row),
  reload,
  status(text, kind) {
    live.textContent = text;
    live.className = `chip ${kind}`;
  },
});

addEventListener('hashchange', route);
info = await ask('info').catch(() => info);
document.title = info.node ? `lastunit · ${info.node}` : 'lastunit';
await route();
