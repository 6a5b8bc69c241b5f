import type { Attribute, Graph, Node, Tensor, ValueInfo } from '../graph';
import { normalizeDomain } from '../graph';
import { createPathNamer, type PathNamer } from './paths';
import {
  expect,
  expectArrow,
  expectIdentifier,
  expectName,
  isAt,
  take,
  type Cursor,
} from './text-lexer';
import { parseAttributeValue } from './text-parse-attributes';
import { noMetadata, parseTensorData, parseValueInfo, type Parser } from './text-parse-values';

/** Each level takes three messages of the binary form, which readers refuse beyond 100 levels. */
const maxGraphDepth = 30;

/** A graph from its input list on; its name is read already. */
export function parseGraph(parser: Parser, name: string, path: string, depth: number): Graph {
  const { cursor } = parser;
  if (depth > maxGraphDepth) cursor.fail(`Graphs are nested deeper than ${maxGraphDepth}.`);
  const initializers: Tensor[] = [];
  const inputs = isAt(cursor, '(') ? parseValueList(parser, '(', ')', initializers) : [];
  expectArrow(cursor);
  const outputs = parseValueList(parser, '(', ')', null);
  const valueInfos = isAt(cursor, '<') ? parseValueList(parser, '<', '>', initializers) : [];
  const nodes = parseNodes(parser, path, depth);
  const initializerByName = new Map<string, Tensor>();
  for (const tensor of initializers) {
    if (!initializerByName.has(tensor.name)) initializerByName.set(tensor.name, tensor);
  }
  return {
    name,
    path,
    docString: '',
    inputs,
    outputs,
    valueInfos,
    nodes,
    initializers,
    sparseInitializers: [],
    initializerByName,
    metadata: noMetadata,
  };
}

/**
 * Value infos between brackets. Where `initializers` is a list, an entry may have data. Among inputs
 * it is then both a default and an input; elsewhere it is an initializer only.
 */
export function parseValueList(
  parser: Parser,
  open: string,
  close: string,
  initializers: Tensor[] | null,
): ValueInfo[] {
  const { cursor } = parser;
  const infos: ValueInfo[] = [];
  expect(cursor, open);
  if (take(cursor, close)) return infos;
  do {
    const at = cursor.current();
    const info = parseValueInfo(parser);
    const hasData = initializers !== null && take(cursor, '=');
    if (hasData) initializers.push(parseTensorData(parser, info.name, info.type, at));
    if (!hasData || open === '(') infos.push(info);
  } while (take(cursor, ','));
  expect(cursor, close);
  return infos;
}

export function parseNodes(parser: Parser, graphPath: string, depth: number): Node[] {
  const { cursor } = parser;
  const namer = createPathNamer(graphPath);
  const nodes: Node[] = [];
  expect(cursor, '{');
  while (!take(cursor, '}') && !cursor.failed()) {
    if (cursor.current().kind === 'end') cursor.fail('Expected "}" at the end of the nodes.');
    else nodes.push(parseNode(parser, nodes.length, namer, depth));
  }
  return nodes;
}

function parseNode(parser: Parser, index: number, namer: PathNamer, depth: number): Node {
  const { cursor } = parser;
  let name = '';
  if (take(cursor, '[')) {
    if (!isAt(cursor, ']')) name = expectName(cursor, 'a node name');
    expect(cursor, ']');
  }
  const outputs = parseNames(cursor);
  expect(cursor, '=');
  const { domain, opType, overload } = parseOperator(cursor);
  const path = namer.pathOf(name, opType, index);
  const before = isAt(cursor, '<') ? parseAttributes(parser, path, depth) : null;
  expect(cursor, '(');
  const inputs = parseNames(cursor);
  expect(cursor, ')');
  const after = before === null && isAt(cursor, '<') ? parseAttributes(parser, path, depth) : null;
  return {
    index,
    name,
    path,
    opType,
    domain: normalizeDomain(domain),
    overload,
    inputs,
    outputs,
    attributes: before ?? after ?? noAttributes,
    docString: '',
    metadata: noMetadata,
  };
}

const noAttributes: ReadonlyMap<string, Attribute> = new Map();

/** `domain.parts.Operator:overload`. Only with none of the others may the operator be missing. */
function parseOperator(cursor: Cursor): { domain: string; opType: string; overload: string } {
  const parts: string[] = [];
  if (cursor.current().kind === 'identifier') parts.push(cursor.advance().text);
  while (take(cursor, '.')) parts.push(expectIdentifier(cursor, 'an operator'));
  const overload = take(cursor, ':') ? expectIdentifier(cursor, 'an overload') : '';
  return { domain: parts.slice(0, -1).join('.'), opType: parts.at(-1) ?? '', overload };
}

/** Names with commas between; nothing before a comma is an omitted one, as is an empty quoted name. */
function parseNames(cursor: Cursor): string[] {
  const names: string[] = [];
  do {
    const { kind } = cursor.current();
    if (kind === 'identifier' || kind === 'string') names.push(cursor.advance().text);
    else if (isAt(cursor, ',')) names.push('');
    else break;
  } while (take(cursor, ','));
  return names;
}

function parseAttributes(
  parser: Parser,
  nodePath: string,
  depth: number,
): ReadonlyMap<string, Attribute> {
  const { cursor } = parser;
  const attributes = new Map<string, Attribute>();
  expect(cursor, '<');
  do {
    const at = cursor.current();
    const name = expectIdentifier(cursor, 'an attribute name');
    const attribute = parseAttribute(parser, name, nodePath, depth);
    if (!attributes.has(name)) attributes.set(name, attribute);
    else {
      const message = `Attribute "${name.slice(0, 40)}" is given twice; the first one counts.`;
      cursor.warn('duplicate-attribute', message, at);
    }
  } while (take(cursor, ','));
  expect(cursor, '>');
  return attributes;
}

/** An attribute from its type or value on; its name is read already. `ownerPath`: node or function. */
export function parseAttribute(
  parser: Parser,
  name: string,
  ownerPath: string,
  depth: number,
): Attribute {
  const { value, refName } = parseAttributeValue(parser, (index: number | null) => {
    const path = `${ownerPath}/${name}${index === null ? '' : `_${index}`}`;
    return parseGraph(parser, expectName(parser.cursor, 'a graph name'), path, depth + 1);
  });
  return { name, refName, value };
}
