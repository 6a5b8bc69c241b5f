import { shortName } from '../format';
import { at } from './tree';
import type { ConfigNode, ConfigObject, ConfigPath, ConfigProblem } from './tree';

/** Typed, checked reading of one object of a config. Absent keys give the framework's default and are noted. */
export interface Fields {
  readonly path: ConfigPath;
  /** False once a value was there but unusable: what was computed with it is unknown. */
  valid(): boolean;
  has(key: string): boolean;
  /** A positive integer under the first of `keys` that is there; else `fallback`. */
  size(keys: Keys, fallback: number): number;
  /** As `size`, but `null` in the file means the same as an absent key: "derive it". */
  optionalSize(keys: Keys, fallback: number): number;
  /** As `size`, with 0 allowed (no shared experts, no dense layers). */
  count(keys: Keys, fallback: number): number;
  flag(key: string, fallback: boolean): boolean;
  text(key: string): string | null;
  /** Integers of a list; null when there is no list. Other elements make the fields invalid. */
  integers(key: string): readonly number[] | null;
  texts(key: string): readonly string[] | null;
  /** How many entries the object or list under `key` has; null when it is neither. */
  entries(key: string): number | null;
  /** Fields of a nested object, with problems and assumptions shared; null when there is none. */
  nested(key: string): Fields | null;
  /** As `nested`, but an absent object is an empty one: all defaults. */
  nestedOrEmpty(key: string): Fields;
  /** Makes the fields invalid: the values contradict each other. */
  reject(key: string, message: string): void;
}

export type Keys = string | readonly string[];

/** Where reading leaves its notes. */
export interface FieldNotes {
  problem(problem: ConfigProblem): void;
  assume(assumption: string): void;
}

/** Far above any model, far below what would make a product of three sizes overflow a double. */
const maxSize = 2 ** 31;

export function readFields(
  object: ConfigObject | null,
  path: ConfigPath,
  notes: FieldNotes,
): Fields {
  let valid = true;
  const node = (key: string): ConfigNode | undefined => at(object, [key]);
  const where = (key: string): string => [...path, key].join('.');

  const reject = (key: string, message: string): void => {
    valid = false;
    const entry = object?.properties.get(key);
    notes.problem({
      code: 'invalid-config-value',
      severity: 'error',
      message,
      where: where(key),
      start: entry?.value.start ?? object?.start ?? 0,
      end: entry?.value.end ?? object?.start ?? 0,
    });
  };

  const integer = (keys: Keys, fallback: number, minimum: number, nullable: boolean): number => {
    const names = typeof keys === 'string' ? [keys] : keys;
    const key = names.find((name) => object?.properties.has(name));
    const value = key === undefined ? undefined : node(key);
    if (key === undefined || value === undefined || (nullable && value.kind === 'null')) {
      // What is derived from other sizes is no assumption.
      if (!nullable && names[0] !== undefined)
        notes.assume(`${where(names[0])} = ${fallback} (default)`);
      return fallback;
    }
    const problem = sizeProblem(value, minimum);
    if (problem === undefined && value.kind === 'number') return value.value;
    reject(key, `${where(key)} ${problem ?? 'is not a number'}.`);
    return fallback;
  };

  const list = (key: string): readonly ConfigNode[] | null => {
    const value = node(key);
    if (value === undefined || value.kind === 'null') return null;
    if (value.kind === 'array') return value.items;
    reject(key, `${where(key)} must be a list.`);
    return null;
  };

  const nested = (key: string): Fields | null => {
    const value = node(key);
    if (value === undefined || value.kind === 'null') return null;
    if (value.kind === 'object') return child(value, key);
    reject(key, `${where(key)} must be an object.`);
    return null;
  };
  const children: Fields[] = [];
  const child = (value: ConfigObject | null, key: string): Fields => {
    const fields = readFields(value, [...path, key], notes);
    children.push(fields);
    return fields;
  };

  return {
    path,
    valid: () => valid && children.every((fields) => fields.valid()),
    has: (key) => object?.properties.has(key) ?? false,
    size: (keys, fallback) => integer(keys, fallback, 1, false),
    optionalSize: (keys, fallback) => integer(keys, fallback, 1, true),
    count: (keys, fallback) => integer(keys, fallback, 0, true),
    flag(key, fallback) {
      const value = node(key);
      if (value === undefined || value.kind === 'null') return fallback;
      if (value.kind === 'boolean') return value.value;
      reject(key, `${where(key)} must be true or false.`);
      return fallback;
    },
    text(key) {
      const value = node(key);
      return value?.kind === 'string' ? value.value : null;
    },
    integers(key) {
      const items = list(key);
      if (!items) return null;
      const numbers = items.flatMap((item) => (item.kind === 'number' ? [item.value] : []));
      if (numbers.length === items.length && numbers.every(Number.isSafeInteger)) return numbers;
      reject(key, `${where(key)} must be a list of integers.`);
      return null;
    },
    texts(key) {
      const items = list(key);
      if (!items) return null;
      const texts = items.flatMap((item) => (item.kind === 'string' ? [item.value] : []));
      if (texts.length === items.length) return texts;
      reject(key, `${where(key)} must be a list of strings.`);
      return null;
    },
    entries(key) {
      const value = node(key);
      if (value?.kind === 'object') return value.properties.size;
      return value?.kind === 'array' ? value.items.length : null;
    },
    nested,
    nestedOrEmpty: (key) => nested(key) ?? child(null, key),
    reject,
  };
}

/** What is wrong with a size, to follow its name in a sentence. */
function sizeProblem(node: ConfigNode, minimum: number): string | undefined {
  switch (node.kind) {
    case 'string':
      return `is the text "${shortName(node.value, 20)}": write a number`;
    case 'number':
      if (!Number.isInteger(node.value)) return `is ${node.value}: it must be an integer`;
      if (node.value < minimum) return `is ${node.value}: it must be at least ${minimum}`;
      if (node.value > maxSize) return `is ${node.value}: no model is that large`;
      return undefined;
    default:
      return `is ${node.kind === 'null' ? 'null' : `a${/^[aeiou]/.test(node.kind) ? 'n' : ''} ${node.kind}`}: it must be an integer`;
  }
}
