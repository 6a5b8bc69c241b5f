import type { Attribute, Graph, Node } from '../graph';
import { normalizeDomain } from '../graph';
import type { PathNamer } from './paths';
import { expect, expectIdentifier, expectName, isAt, take, type Cursor } from './text-cursor';
import { parseAttributeValue } from './text-parse-attributes';
import { noMetadata, type Parser } from './text-parse-values';
import type { NamePlace } from './text-places';
import { goesOn, isAtFunction, isAtNextNode } from './text-recovery';

/** Reads a subgraph from its name on, for the attribute of this path. */
export type SubgraphReader = (path: string) => Graph;

export interface NodeContext {
  /** Position in the node list. */
  readonly index: number;
  readonly namer: PathNamer;
  readonly readGraph: SubgraphReader;
}

/** A node; one with an error has what was read of it, without subgraphs. */
export function parseNode(parser: Parser, { index, namer, readGraph }: NodeContext): Node {
  const { cursor, recorder } = parser;
  const { start } = cursor.current();
  const errorsBefore = cursor.errorCount();
  recorder?.openNode(start);
  const label = parseLabel(cursor);
  const outputs = parseNames(cursor);
  expect(cursor, '=');
  const { domain, opType, overload, place } = parseOperator(cursor);
  const name = label?.name ?? '';
  const path = namer.pathOf(name, opType, index);
  const before = isAt(cursor, '<') ? parseAttributes(parser, path, readGraph) : null;
  expect(cursor, '(');
  const inputs = parseNames(cursor);
  expect(cursor, ')');
  const hasMore = before === null && isAt(cursor, '<') && !isAtFunction(cursor);
  const after = hasMore ? parseAttributes(parser, path, readGraph) : null;
  const isBroken = cursor.errorCount() > errorsBefore;
  const end = Math.max(start, cursor.previous().end);
  recorder?.closeNode({
    path,
    label,
    operator: place,
    inputs,
    outputs,
    end,
    isBroken,
    isOpen: cursor.failed(),
  });
  const attributes = before ?? after ?? noAttributes;
  return {
    index,
    name,
    path,
    opType,
    domain: normalizeDomain(domain),
    overload,
    inputs: inputs.map((input) => input.name),
    outputs: outputs.map((output) => output.name),
    attributes: cursor.failed() ? withoutGraphs(attributes) : attributes,
    docString: '',
    metadata: noMetadata,
  };
}

const noAttributes: ReadonlyMap<string, Attribute> = new Map();

function withoutGraphs(attributes: ReadonlyMap<string, Attribute>): ReadonlyMap<string, Attribute> {
  const isPlain = ({ value }: Attribute): boolean =>
    value.kind !== 'graph' && value.kind !== 'graphs';
  return new Map([...attributes].filter(([, attribute]) => isPlain(attribute)));
}

/** `[name]`; null when there is none. */
function parseLabel(cursor: Cursor): NamePlace | null {
  if (!take(cursor, '[')) return null;
  const { start, end } = cursor.current();
  const name = isAt(cursor, ']') ? '' : expectName(cursor, 'a node name');
  expect(cursor, ']');
  return name === '' ? null : { name, start, end };
}

/** `domain.parts.Operator:overload`. Only with none of the others may the operator be missing. */
function parseOperator(cursor: Cursor): {
  domain: string;
  opType: string;
  overload: string;
  place: NamePlace;
} {
  if (isAtNextNode(cursor)) cursor.fail('Expected an operator behind "=".');
  const { start } = cursor.current();
  const isThere = cursor.current().kind === 'identifier' || isAt(cursor, '.') || isAt(cursor, ':');
  const parts: string[] = [];
  if (cursor.current().kind === 'identifier') parts.push(cursor.advance().text);
  while (take(cursor, '.')) parts.push(expectIdentifier(cursor, 'an operator'));
  const overload = take(cursor, ':') ? expectIdentifier(cursor, 'an overload') : '';
  const opType = parts.at(-1) ?? '';
  const place = { name: opType, start, end: isThere ? cursor.previous().end : start };
  return { domain: parts.slice(0, -1).join('.'), opType, overload, place };
}

/** Names with commas between; nothing before a comma is an omitted one, as is an empty quoted name. */
function parseNames(cursor: Cursor): NamePlace[] {
  const names: NamePlace[] = [];
  do {
    const { kind, text: name, start, end } = cursor.current();
    if (kind === 'identifier' || kind === 'string') {
      names.push({ name, start, end });
      cursor.advance();
    } else if (isAt(cursor, ',')) names.push({ name: '', start, end: start });
    else break;
  } while (take(cursor, ','));
  return names;
}

/** `<name = value, …>`, at least one. An attribute that fails does not end the list. */
function parseAttributes(
  parser: Parser,
  nodePath: string,
  readGraph: SubgraphReader,
): ReadonlyMap<string, Attribute> {
  const { cursor } = parser;
  const attributes = new Map<string, Attribute>();
  expect(cursor, '<');
  const depth = cursor.brackets().length;
  do {
    const at = cursor.current();
    const name = expectIdentifier(cursor, 'an attribute name');
    const attribute = parseAttribute(parser, { name, ...spanOf(at) }, nodePath, readGraph);
    const isDouble = attributes.has(name);
    if (isDouble && !cursor.failed()) {
      const message = `Attribute "${name.slice(0, 40)}" is given twice; the first one counts.`;
      cursor.warn({ code: 'duplicate-attribute', severity: 'error', message }, at);
    } else if (!isDouble && name !== '') attributes.set(name, attribute);
  } while (goesOn(cursor, '>', depth));
  return attributes;
}

function spanOf({ start, end }: { readonly start: number; readonly end: number }) {
  return { start, end };
}

/** An attribute from its type or value on; its name is read already. `ownerPath`: node or function. */
export function parseAttribute(
  parser: Parser,
  place: NamePlace,
  ownerPath: string,
  readGraph: SubgraphReader,
): Attribute {
  const { cursor, recorder } = parser;
  const { name, start, end } = place;
  const { value, refName, reference } = parseAttributeValue(parser, (index: number | null) =>
    readGraph(`${ownerPath}/${name}${index === null ? '' : `_${index}`}`),
  );
  const whole = { start, end: Math.max(end, cursor.previous().end) };
  if (name !== '') recorder?.attribute({ name, start, end, whole, reference });
  return { name, refName, value };
}
