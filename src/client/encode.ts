/**
 * Commands as JSON, put together from fragments: a third of what `JSON.stringify` costs.
 *
 * 1. What one caller passes can never spoil the frame that carries others' commands: whatever is
 *    appended is JSON by itself.
 */

import { jsonText } from '../contract/replies.ts';

/** The command as an element of a frame. */
export function frameElement(verb: string, id: string | undefined, request: object): string {
  return `{"verb":"${verb}"${id === undefined ? '' : `,"id":${jsonText(id)}`}${fieldsOf(request)}}`;
}

/** The command as the payload of `inv.cmd.<channel>.<verb>`, or of a fact. */
export function plainPayload(id: string | undefined, request: object): string {
  const fields = fieldsOf(request);
  return id === undefined ? `{${fields.slice(1)}}` : `{"id":${jsonText(id)}${fields}}`;
}

/** `,"name":value` for every field but the id; absent fields stay absent. */
function fieldsOf(request: object): string {
  const fields = request as Readonly<Record<string, unknown>>;
  let json = '';
  for (const name in fields) {
    if (name === 'id') continue;
    if (name === 'verb') throw new TypeError('verb is not a field: the method names it');
    const text = valueText(fields[name]);
    if (text !== undefined) json += `,${jsonText(name)}:${text}`;
  }
  return json;
}

function valueText(value: unknown): string | undefined {
  if (typeof value === 'string') return jsonText(value);
  if (typeof value === 'number' && Number.isFinite(value)) return String(value);
  return JSON.stringify(value);
}
