import type { AttributeValue } from '../graph';
import table from './operator-signatures.json';

/** What an operator takes and gives in one opset. */
export interface OperatorSignature {
  readonly inputs: Arity;
  readonly outputs: Arity;
  readonly attributes: ReadonlyMap<string, AttributeKind>;
  readonly requiredAttributes: readonly string[];
}

export interface Arity {
  readonly min: number;
  /** `Infinity` for variadic operators. */
  readonly max: number;
  /** By position: false where an empty name may stand for "left out". Variadic positions are not listed. */
  readonly needed: readonly boolean[];
}

export type AttributeKind = Exclude<AttributeValue['kind'], 'none'>;

export type OperatorLookup =
  | { readonly kind: 'known'; readonly signature: OperatorSignature }
  /** Taken out of the operator set (deprecated) in `since`. */
  | { readonly kind: 'removed'; readonly since: number }
  /** Added in `since` only. */
  | { readonly kind: 'later'; readonly since: number }
  | { readonly kind: 'unknown' };

/** The newest opset of ai.onnx that the table knows. */
export const newestOpset = table.opsets[''];

/**
 * The operator as this opset of its domain defines it; null where the table does not judge: domains other than
 * ai.onnx and ai.onnx.ml, and opsets that it does not know.
 * Source: the operator schemas of the ONNX standard, by `bench/operator-signatures.py`.
 */
export function findOperator(domain: string, opType: string, opset: number): OperatorLookup | null {
  const known = domains.get(domain);
  if (!known || !(opset >= 1 && opset <= known.newestOpset)) return null;
  const versions = known.versionsOf(opType);
  if (!versions) return unknown;
  const version = versions.findLast(({ since }) => since <= opset);
  return version?.lookup ?? { kind: 'later', since: versions[0]?.since ?? 0 };
}

const unknown: OperatorLookup = { kind: 'unknown' };

/** The operators of one domain. */
interface Domain {
  readonly newestOpset: number;
  readonly names: readonly string[];
  /** Undefined for a name that is none of them. */
  readonly versionsOf: (opType: string) => readonly Version[] | undefined;
}

interface Version {
  readonly since: number;
  readonly lookup: OperatorLookup;
}

const kinds: ReadonlyMap<string, AttributeKind> = new Map([
  ['f', 'float'],
  ['i', 'int'],
  ['s', 'string'],
  ['t', 'tensor'],
  ['g', 'graph'],
  ['z', 'sparse-tensor'],
  ['p', 'type'],
  ['F', 'floats'],
  ['I', 'ints'],
  ['S', 'strings'],
  ['T', 'tensors'],
  ['G', 'graphs'],
  ['Z', 'sparse-tensors'],
  ['P', 'types'],
]);

// Maps, since operator types come from files: `constructor` is no operator.
const domains = new Map([
  ['', domainOf(table.opsets[''], table.operators[''])],
  ['ai.onnx.ml', domainOf(table.opsets['ai.onnx.ml'], table.operators['ai.onnx.ml'])],
]);

function domainOf(
  newest: number,
  operators: Readonly<Record<string, readonly (readonly (string | number)[])[]>>,
): Domain {
  const rows = new Map(Object.entries(operators));
  // A model uses a few of them: the others are not worth the time of a start.
  const read = new Map<string, readonly Version[]>();
  return {
    newestOpset: newest,
    names: [...rows.keys()],
    versionsOf(opType) {
      const known = read.get(opType);
      if (known) return known;
      const versions = rows.get(opType)?.map(versionOf);
      if (versions) read.set(opType, versions);
      return versions;
    },
  };
}

function versionOf([since, inputs, outputs, attributes]: readonly (string | number)[]): Version {
  const version = Number(since);
  if (inputs === undefined) return { since: version, lookup: { kind: 'removed', since: version } };
  const specs = String(attributes)
    .split(' ')
    .filter((spec) => spec !== '')
    .map((spec) => {
      const [name = '', kind = ''] = spec.split(':');
      return { name, kind: kinds.get(kind.charAt(0)) ?? 'int', isRequired: kind.endsWith('!') };
    });
  const signature: OperatorSignature = {
    inputs: arityOf(String(inputs)),
    outputs: arityOf(String(outputs)),
    attributes: new Map(specs.map(({ name, kind }) => [name, kind])),
    requiredAttributes: specs.filter(({ isRequired }) => isRequired).map(({ name }) => name),
  };
  return { since: version, lookup: { kind: 'known', signature } };
}

/** `11?` is two needed and one optional parameter, `1*2` one needed and two or more of a variadic one. */
function arityOf(text: string): Arity {
  const [fixed = '', variadicMin] = text.split('*');
  const needed = Array.from(fixed, (parameter) => parameter === '1');
  return variadicMin === undefined
    ? { min: needed.lastIndexOf(true) + 1, max: fixed.length, needed }
    : { min: fixed.length + Number(variadicMin), max: Infinity, needed };
}

/** The operators of a domain in one opset, by name; none where the table does not know them. */
export function operatorsOf(domain: string, opset: number): ReadonlyMap<string, OperatorSignature> {
  const found = new Map<string, OperatorSignature>();
  for (const name of domains.get(domain)?.names ?? []) {
    const lookup = findOperator(domain, name, opset);
    if (lookup?.kind === 'known') found.set(name, lookup.signature);
  }
  return found;
}
