import { normalizeDomain } from '../../core/graph';
import { findOperator, type OperatorSignature } from '../../core/onnx/operator-signatures';
import type { Span } from '../../core/onnx/text-cursor';
import type { BlockPlace, NamePlace, NodePlace, TextPlaces } from '../../core/onnx/text-places';
import type { DraftView } from '../drafts';

/** What stands at a place of a text. */
export interface Occurrence {
  readonly kind: 'value' | 'operator' | 'attribute' | 'function' | 'function-attribute';
  readonly place: NamePlace;
  /** Where its name is looked up first. */
  readonly block: BlockPlace;
  readonly node: NodePlace | null;
}

const occurrenceLists = new WeakMap<TextPlaces, readonly Occurrence[]>();

/** Every name of the text, in its order. */
export function occurrencesOf({ draft: { places } }: DraftView): readonly Occurrence[] {
  const known = occurrenceLists.get(places);
  if (known) return known;
  const made = places.blocks.flatMap(occurrencesIn).sort((a, b) => a.place.start - b.place.start);
  occurrenceLists.set(places, made);
  return made;
}

function occurrencesIn(block: BlockPlace): Occurrence[] {
  const found: Occurrence[] = [{ kind: 'function', place: block.name, block, node: null }];
  for (const place of block.values) {
    const kind = place.role === 'attribute' ? 'function-attribute' : 'value';
    found.push({ kind, place, block, node: null });
  }
  for (const node of block.nodes) {
    found.push({ kind: 'operator', place: node.operator, block, node });
    for (const place of [...node.inputs, ...node.outputs]) {
      if (place.name !== '') found.push({ kind: 'value', place, block, node });
    }
    for (const place of node.attributes) {
      found.push({ kind: 'attribute', place, block, node });
      const { reference } = place;
      if (reference) found.push({ kind: 'function-attribute', place: reference, block, node });
    }
  }
  return found;
}

/** The name at an offset; just behind it counts. */
export function occurrenceAt(view: DraftView, offset: number): Occurrence | null {
  const all = occurrencesOf(view);
  let low = 0;
  let high = all.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((all[middle]?.place.start ?? 0) <= offset) low = middle + 1;
    else high = middle;
  }
  const found = all[low - 1];
  return found && offset <= found.place.end ? found : null;
}

const definitionMaps = new WeakMap<BlockPlace, ReadonlyMap<string, NamePlace>>();

/** Inputs, initializers and node outputs of a block, by name; of several the first. */
export function definitionsIn(block: BlockPlace): ReadonlyMap<string, NamePlace> {
  const known = definitionMaps.get(block);
  if (known) return known;
  const made = new Map<string, NamePlace>();
  const add = (place: NamePlace): void => {
    if (place.name !== '' && !made.has(place.name)) made.set(place.name, place);
  };
  for (const value of block.values) {
    if (value.role === 'input' || value.role === 'initializer') add(value);
  }
  for (const { outputs } of block.nodes) outputs.forEach(add);
  definitionMaps.set(block, made);
  return made;
}

/** A value is looked for in its own graph, then in those around it. */
export function valueDefinition(from: BlockPlace, name: string): NamePlace | null {
  for (let block: BlockPlace | null = from; block; block = block.parent) {
    const found = definitionsIn(block).get(name);
    if (found) return found;
  }
  return null;
}

/** The outermost block around: the main graph or the function. */
export function rootOf(block: BlockPlace): BlockPlace {
  let root = block;
  while (root.parent) root = root.parent;
  return root;
}

/** The innermost block whose nodes are around the offset. */
export function blockAt({ draft: { places } }: DraftView, offset: number): BlockPlace | null {
  const isIn = ({ start, end }: Span): boolean => start < offset && offset <= end;
  return places.blocks.findLast(({ body }) => isIn(body)) ?? null;
}

export interface WrittenOperator {
  readonly domain: string;
  readonly opType: string;
  readonly overload: string;
}

/** `domain.Operator:overload` as its parts. */
export function operatorIn(written: string): WrittenOperator {
  const [name = '', overload = ''] = written.replace(/\s/gu, '').split(':');
  const dot = name.lastIndexOf('.');
  const domain = normalizeDomain(dot < 0 ? '' : name.slice(0, dot));
  return { domain, opType: name.slice(dot + 1), overload };
}

export function writtenOperator({ document }: DraftView, { operator }: NodePlace): WrittenOperator {
  return operatorIn(document.getText().slice(operator.start, operator.end));
}

/** The block of the function that an operator calls. */
export function calledFunction(
  { draft: { places } }: DraftView,
  { domain, opType, overload }: WrittenOperator,
): BlockPlace | null {
  const path = `function:${domain}.${opType}${overload === '' ? '' : `:${overload}`}`;
  return places.blocks.find((block) => block.path === path) ?? null;
}

/** Domain → version that holds in a block. */
export function opsetsAt(
  { draft: { model } }: DraftView,
  block: BlockPlace | null,
): ReadonlyMap<string, number> {
  const path = block && rootOf(block).path;
  const own = model.functions.find(({ domain, name, overload }) => {
    const suffix = overload === '' ? '' : `:${overload}`;
    return path === `function:${domain}.${name}${suffix}`;
  });
  return own && own.opsets.size > 0 ? own.opsets : model.opsets;
}

/** What an operator takes and gives in this block; null where nothing is known of it. */
export function signatureIn(
  view: DraftView,
  block: BlockPlace | null,
  { domain, opType }: WrittenOperator,
): { readonly signature: OperatorSignature; readonly opset: number } | null {
  const opset = opsetsAt(view, block).get(domain);
  const found = opset === undefined ? null : findOperator(domain, opType, opset);
  return opset !== undefined && found?.kind === 'known'
    ? { signature: found.signature, opset }
    : null;
}
