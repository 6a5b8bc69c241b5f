import type { Problem } from '../problem';

/**
 * A parsed config: values with the exact UTF-16 offsets of every key and value (`end` exclusive).
 * Objects are Maps, so a key named `__proto__` is a key like any other.
 */
export type ConfigNode = ConfigObject | ConfigArray | ConfigScalar;

export interface ConfigObject {
  readonly kind: 'object';
  readonly start: number;
  readonly end: number;
  /** In file order; of a repeated key the last one, as Python's reader takes it. */
  readonly properties: ReadonlyMap<string, ConfigProperty>;
}

export interface ConfigProperty {
  readonly keyStart: number;
  readonly keyEnd: number;
  readonly value: ConfigNode;
}

export interface ConfigArray {
  readonly kind: 'array';
  readonly start: number;
  readonly end: number;
  readonly items: readonly ConfigNode[];
}

export type ConfigScalar =
  | {
      readonly kind: 'string';
      readonly start: number;
      readonly end: number;
      readonly value: string;
    }
  /** `value` is infinite for a number beyond double precision. */
  | {
      readonly kind: 'number';
      readonly start: number;
      readonly end: number;
      readonly value: number;
    }
  | {
      readonly kind: 'boolean';
      readonly start: number;
      readonly end: number;
      readonly value: boolean;
    }
  | { readonly kind: 'null'; readonly start: number; readonly end: number };

export type ConfigPath = readonly (string | number)[];

/** A problem that belongs to a stretch of the config's text. */
export interface ConfigProblem extends Problem {
  readonly start: number;
  readonly end: number;
  /** What was probably meant instead of that stretch. */
  readonly replacement?: string;
}

export function at(root: ConfigNode | null | undefined, path: ConfigPath): ConfigNode | undefined {
  let node = root ?? undefined;
  for (const step of path) {
    if (node?.kind === 'object' && typeof step === 'string')
      node = node.properties.get(step)?.value;
    else if (node?.kind === 'array' && typeof step === 'number') node = node.items[step];
    else return undefined;
  }
  return node;
}

/** The key and value of an object's entry; `undefined` when the path does not lead to one. */
export function propertyAt(
  root: ConfigNode | null | undefined,
  path: ConfigPath,
): ConfigProperty | undefined {
  const parent = at(root, path.slice(0, -1));
  const key = path.at(-1);
  return parent?.kind === 'object' && typeof key === 'string'
    ? parent.properties.get(key)
    : undefined;
}

export function numberAt(
  root: ConfigNode | null | undefined,
  path: ConfigPath,
): number | undefined {
  const node = at(root, path);
  return node?.kind === 'number' ? node.value : undefined;
}

export function stringAt(
  root: ConfigNode | null | undefined,
  path: ConfigPath,
): string | undefined {
  const node = at(root, path);
  return node?.kind === 'string' ? node.value : undefined;
}

export function booleanAt(
  root: ConfigNode | null | undefined,
  path: ConfigPath,
): boolean | undefined {
  const node = at(root, path);
  return node?.kind === 'boolean' ? node.value : undefined;
}
