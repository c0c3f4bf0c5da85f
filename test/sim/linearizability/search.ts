/**
 * Linearizability by search, after Wing and Gong: is there an order of all operations, each at some
 * moment between its call and its return, in which every answer is what the model allows?
 *
 * 1. Operations whose outcome is unknown have no return; they come at any time after their call.
 * 2. An operation that never changes anything can be taken as soon as the state allows it: putting it
 *    later can help nobody. So the search branches over changes only.
 * 3. The same set of operations in the same state is looked at once (Lowe).
 */

export interface Operation<State> {
  readonly name: string;
  readonly callMs: number;
  /** Infinity: nobody knows. */
  readonly returnMs: number;
  /** Where to try it first; any order is tried in the end. */
  readonly hintMs: number;
  /** It changes nothing, whenever it comes. */
  readonly reads: boolean;
  /** The state after it, the same object if it changes nothing; undefined: not allowed here. */
  readonly apply: (state: State) => State | undefined;
}

export type Verdict =
  | { readonly kind: 'linearizable' }
  /** `stuck`: the operations that nothing could come after, in the order that came furthest. */
  | {
      readonly kind: 'not linearizable';
      readonly stuck: readonly string[];
      readonly placed: number;
    }
  | { readonly kind: 'gave up' };

interface Frame<State> {
  readonly state: State;
  /** Operations placed in this frame, to be taken back. */
  readonly placed: number[];
  readonly candidates: number[];
  next: number;
}

export function linearize<State>(
  operations: readonly Operation<State>[],
  initial: State,
  fingerprint: (state: State) => string,
  stepsMax = 200_000,
): Verdict {
  const done = new Uint8Array(operations.length);
  const seen = new Set<string>();
  let left = operations.length;
  let steps = 0;
  let best: { left: number; stuck: readonly string[] } = { left: left + 1, stuck: [] };

  /** Operations that may come next: none that is left has returned before they were called. */
  const open = (): number[] => {
    let firstReturnMs = Number.POSITIVE_INFINITY;
    operations.forEach((operation, index) => {
      if (!done[index]) firstReturnMs = Math.min(firstReturnMs, operation.returnMs);
    });
    const found: number[] = [];
    operations.forEach((operation, index) => {
      if (!done[index] && operation.callMs <= firstReturnMs) found.push(index);
    });
    return found;
  };

  const place = (index: number, placed: number[]) => {
    done[index] = 1;
    left -= 1;
    placed.push(index);
  };

  const enter = (state: State, placed: number[]): Frame<State> => {
    let candidates: number[];
    for (let again = true; again; ) {
      again = false;
      candidates = open();
      for (const index of candidates) {
        const operation = operations[index] as Operation<State>;
        if (!operation.reads) continue;
        steps += 1;
        if (operation.apply(state) === undefined) continue;
        place(index, placed);
        again = true;
      }
    }
    candidates = open().sort(
      (a, b) =>
        (operations[a] as Operation<State>).hintMs - (operations[b] as Operation<State>).hintMs,
    );
    if (left < best.left) {
      best = {
        left,
        stuck: candidates.map((index) => (operations[index] as Operation<State>).name),
      };
    }
    const key = `${done.join('')} ${fingerprint(state)}`;
    if (seen.has(key)) candidates = [];
    seen.add(key);
    return { state, placed, candidates, next: 0 };
  };

  const stack = [enter(initial, [])];
  while (left > 0) {
    const frame = stack.at(-1);
    if (!frame) {
      return {
        kind: 'not linearizable',
        stuck: best.stuck,
        placed: operations.length - best.left,
      };
    }
    if (steps > stepsMax) return { kind: 'gave up' };
    const index = frame.candidates[frame.next];
    frame.next += 1;
    if (index === undefined) {
      for (const taken of frame.placed) done[taken] = 0;
      left += frame.placed.length;
      stack.pop();
      continue;
    }
    steps += 1;
    const state = (operations[index] as Operation<State>).apply(frame.state);
    if (state === undefined) continue;
    const placed: number[] = [];
    place(index, placed);
    stack.push(enter(state, placed));
  }
  return { kind: 'linearizable' };
}
