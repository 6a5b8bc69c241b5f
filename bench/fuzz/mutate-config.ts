import { describedModelTypes } from '../../server/src/core/config/families';
import { mutateText } from './mutate-text';
import type { Choices } from './random';

type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/** Values that a JSON reader takes and a model never has. `raw:` is put into the text without quotes. */
const oddValues: readonly Json[] = [
  ...[0, 1, -1, 0.5, 3, 1e308, -1e308, 2 ** 31, 2 ** 32, 2 ** 53, 1e15, 1e-320, true, false, null],
  ...[
    '',
    '12',
    'auto',
    'float16',
    'bfloat16',
    '__proto__',
    'gelu',
    'raw:1e999',
    'raw:-0',
    'raw:NaN',
  ],
  ...['raw:9007199254740993', 'raw:00', 'raw:"\\ud800"', 'raw:1E400', 'x'.repeat(2000)],
];

/** One change of a config: of its values where it is JSON, else of its text. */
export function mutateConfig(text: string, other: string, choices: Choices): string {
  const json = choices.oneIn(4) ? undefined : parsed(text);
  if (json === undefined || typeof json !== 'object' || json === null) {
    return mutateText(text, other, choices);
  }
  const changed = mutateJson(json, parsed(other), choices);
  return textOf(changed, choices);
}

/** Deeper values are changed as text: what walks through them here is recursive. */
const maxNesting = 500;

function parsed(text: string): Json | undefined {
  if (nestingOf(text) > maxNesting) return undefined;
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

/** At least as deep as the value is: brackets in strings count, too. */
function nestingOf(text: string): number {
  let [depth, deepest] = [0, 0];
  for (const character of text) {
    if (character === '[' || character === '{') depth++;
    else if (character === ']' || character === '}') depth--;
    deepest = Math.max(deepest, depth);
  }
  return deepest;
}

function textOf(json: Json, { oneIn }: Choices): string {
  const text = oneIn(2) ? JSON.stringify(json) : JSON.stringify(json, null, 2);
  // The search takes longer than the printing.
  if (!text.includes('"raw:')) return text;
  return text.replace(/"raw:((?:[^"\\]|\\.)*)"/gu, (_, raw: string) =>
    raw.replace(/\\(["\\])/gu, '$1'),
  );
}

interface Slot {
  readonly key: string;
  readonly value: Json;
  readonly set: (value: Json) => void;
  readonly remove: () => void;
  readonly rename: (key: string) => void;
}

function slotsOf(json: Json, found: Slot[] = []): Slot[] {
  if (typeof json !== 'object' || json === null) return found;
  for (const [key, value] of Object.entries(json)) {
    const define = (at: string, next: Json): void => {
      // A plain assignment to __proto__ would make no entry.
      Object.defineProperty(json, at, {
        value: next,
        enumerable: true,
        configurable: true,
        writable: true,
      });
    };
    const remove = (): void => {
      if (Array.isArray(json)) json.splice(Number(key), 1);
      else Reflect.deleteProperty(json, key);
    };
    found.push({
      key,
      value,
      set: (next) => {
        define(key, next);
      },
      remove,
      rename: (next) => {
        if (Array.isArray(json)) return;
        remove();
        define(next, value);
      },
    });
    slotsOf(value, found);
  }
  return found;
}

function mutateJson(json: Json, other: Json | undefined, choices: Choices): Json {
  const { below, oneIn, pick } = choices;
  const slots = slotsOf(json);
  const theirs = other === undefined ? [] : slotsOf(other);
  const slot = pick<Slot | undefined>(slots, undefined);
  if (!slot) return json;
  const numbers = slots.filter(({ value }) => typeof value === 'number');
  switch (
    pick(['odd', 'number', 'number', 'remove', 'rename', 'borrow', 'type', 'nest', 'many'], 'odd')
  ) {
    case 'number':
      pick(numbers, slot).set(oneIn(2) ? below(100) : pick(oddValues, 0));
      break;
    case 'remove':
      slot.remove();
      break;
    case 'rename':
      slot.rename(pick(theirs, slot).key);
      break;
    case 'borrow': {
      const from = pick(theirs, slot);
      if (oneIn(2) || typeof json !== 'object' || json === null || Array.isArray(json))
        slot.set(from.value);
      else json[from.key] = from.value;
      break;
    }
    case 'type':
      return changeModelType(json, choices);
    case 'nest':
      slot.set(nested(slot.value, pick([1, 3, 50, 199, 300, 2000], 3), oneIn(2)));
      break;
    case 'many':
      slot.set(Array.from({ length: pick([0, 1, 7, 300, 3000], 1) }, () => pick(oddValues, 0)));
      break;
    default:
      slot.set(pick(oddValues, 0));
  }
  return json;
}

/** The same numbers under another family's names, which asks for keys that are not there. */
function changeModelType(json: Json, { pick, oneIn }: Choices): Json {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return json;
  json['model_type'] = pick(describedModelTypes(), 'llama');
  if (oneIn(2)) Reflect.deleteProperty(json, 'architectures');
  return json;
}

function nested(value: Json, depth: number, inArrays: boolean): Json {
  let result = value;
  for (let level = 0; level < depth; level++) result = inArrays ? [result] : { a: result };
  return result;
}
