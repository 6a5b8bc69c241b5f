import type { Graph, Node, Tensor, ValueInfo } from '../graph';
import { createPathNamer, type PathNamer } from './paths';
import { expect, expectArrow, expectName, isAt, take } from './text-cursor';
import { parseNode } from './text-parse-node';
import { noMetadata, parseTensorData, parseValueInfo, type Parser } from './text-parse-values';
import type { ValuePlace } from './text-places';
import { goesOn, isAtFunction, recoverBody, recoverStatement } from './text-recovery';

/** Each level takes three messages of the binary form, which readers refuse beyond 100 levels. */
const maxGraphDepth = 30;

/** A graph from its name on. `path`: of the graph. */
export function parseGraph(parser: Parser, path: string, depth: number): Graph {
  const { cursor, recorder } = parser;
  const headDepth = cursor.brackets().length;
  const { start, end } = cursor.current();
  const name = expectName(cursor, 'a graph name');
  recorder?.openBlock(path, { name, start, end });
  if (depth > maxGraphDepth) cursor.abort(`Graphs are nested deeper than ${maxGraphDepth}.`);
  const initializers: Tensor[] = [];
  const inputs = isAt(cursor, '(') ? parseValueList(parser, inputList, initializers) : [];
  expectArrow(cursor);
  const outputs = parseValueList(parser, outputList, null);
  const valueInfos = isAt(cursor, '<') ? parseValueList(parser, declarationList, initializers) : [];
  const nodes = parseNodes(parser, path, { depth, headDepth });
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

/** Which list of a head is read. */
interface ListForm {
  readonly open: string;
  readonly close: string;
  readonly role: ValuePlace['role'];
}

const inputList: ListForm = { open: '(', close: ')', role: 'input' };
const outputList: ListForm = { open: '(', close: ')', role: 'output' };
export const declarationList: ListForm = { open: '<', close: '>', role: 'type' };

/**
 * Value infos between brackets. Where `initializers` is a list, an entry may have data. Among inputs
 * it is then both a default and an input; elsewhere it is an initializer only.
 */
export function parseValueList(
  parser: Parser,
  { open, close, role }: ListForm,
  initializers: Tensor[] | null,
): ValueInfo[] {
  const { cursor, recorder } = parser;
  const infos: ValueInfo[] = [];
  parseList(parser, open, close, () => {
    const at = cursor.current();
    const { info, place } = parseValueInfo(parser);
    const isUnnamed = cursor.failed();
    const hasData = initializers !== null && take(cursor, '=');
    if (hasData) initializers.push(parseTensorData(parser, info.name, info.type, at));
    if (isUnnamed) return;
    if (!hasData || open === '(') infos.push(info);
    recorder?.value(hasData && open === '<' ? 'initializer' : role, place);
  });
  return infos;
}

/** Elements with commas between them, in brackets; none is fine. An element that fails does not end the list. */
export function parseList(
  { cursor, recorder }: Parser,
  open: string,
  close: string,
  parseElement: () => void,
): void {
  const { start } = cursor.current();
  expect(cursor, open);
  if (cursor.failed()) return;
  const depth = cursor.brackets().length;
  if (!take(cursor, close)) {
    do parseElement();
    while (goesOn(cursor, close, depth));
  }
  recorder?.list({ start, end: cursor.previous().end });
}

/**
 * Nodes in braces, from the brace on. Closes the block that the recorder has open. `depth`: graphs around this one;
 * `headDepth`: brackets around it.
 */
export function parseNodes(
  parser: Parser,
  graphPath: string,
  { depth, headDepth }: { readonly depth: number; readonly headDepth: number },
): Node[] {
  const { cursor, recorder } = parser;
  const nodes: Node[] = [];
  if (!take(cursor, '{')) {
    expect(cursor, '{');
    if (recoverBody(cursor, headDepth)) take(cursor, '{');
  }
  const { start } = cursor.previous();
  if (!cursor.failed()) parseStatements(parser, createPathNamer(graphPath), depth, nodes);
  recorder?.closeBlock({ start, end: Math.max(start, cursor.previous().end) });
  return nodes;
}

function parseStatements(parser: Parser, namer: PathNamer, depth: number, nodes: Node[]): void {
  const { cursor } = parser;
  const readGraph = (path: string): Graph => parseGraph(parser, path, depth + 1);
  const listDepth = cursor.brackets().length;
  while (!take(cursor, '}')) {
    if (cursor.current().kind === 'end') {
      cursor.fail('Expected "}" at the end of the nodes.');
      return;
    }
    const { start } = cursor.current();
    if (isAtFunction(cursor)) {
      cursor.fail('Expected "}" at the end of the nodes, in front of this function.');
      cursor.resume(start, 0, cursor.previous());
      return;
    }
    nodes.push(parseNode(parser, { index: nodes.length, namer, readGraph }));
    if (!cursor.failed()) continue;
    const next = recoverStatement(cursor, start, listDepth);
    if (next === 'function' || next === 'end') return;
  }
}
