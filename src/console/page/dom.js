// Building the page: elements from a tag, properties and children. Text is always text.

/**
 * @param {string} tag
 * @param {Record<string, unknown>} [properties] `class`, `on…` listeners, attributes; undefined and false are left out
 * @param {...(Node | string | number | null | undefined)} children
 */
export function el(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? '' : String(value));
  }
  for (const child of children.flat()) {
    if (child !== null && child !== undefined) element.append(child);
  }
  return element;
}

/** A table in a card. Columns: `{title, cell(row), number?, class?}`. */
export function table(rows, columns, rowProperties = () => ({})) {
  const head = columns.map(({ title, number }) =>
    el('th', { scope: 'col', class: number && 'number' }, title),
  );
  const body = rows.map((row) =>
    el(
      'tr',
      rowProperties(row),
      columns.map((column) =>
        el('td', { class: column.number ? 'number' : column.class }, column.cell(row)),
      ),
    ),
  );
  return el(
    'div',
    { class: 'card' },
    el('table', {}, el('thead', {}, el('tr', {}, head)), el('tbody', {}, body)),
  );
}

export function figure(label, value) {
  return el('div', { class: 'figure' }, el('b', {}, value), el('span', { class: 'soft' }, label));
}

export function empty(text) {
  return el('div', { class: 'card empty' }, text);
}
