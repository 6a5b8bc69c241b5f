import type { Attribute, Graph, Model, ModelFunction, Node, Tensor, ValueInfo } from '../graph';
import {
  attributeHead,
  attributeText,
  identifierFor,
  nameText,
  subgraphName,
  tensorText,
  typeText,
} from './text-print-values';
import type { AttributeText } from './text-print-values';
import {
  commentText,
  functionRemark,
  graphRemarks,
  initializerRemark,
  modelRemark,
  nodeRemark,
  valueRemark,
} from './text-print-remarks';
import { quoted } from './text-syntax';
import { displayText } from './utf8';

export interface PrintOptions {
  /** Name that references to payloads in the model file carry; normally the file's own name. */
  readonly weightsLocation: string;
}

export interface PrintedModel {
  readonly text: string;
  /** `Node.path` → its lines. */
  readonly nodeLines: ReadonlyMap<string, LineRange>;
  /** `Graph.path` → its lines, and those of functions under `function:domain.name:overload`. */
  readonly blockLines: ReadonlyMap<string, LineRange>;
  /** Tensor name → the line that says most: initializer, else graph input, else the node that makes it. */
  readonly tensorLines: ReadonlyMap<string, number>;
  /** Comments: each stands at the place of something that the syntax has no form for. */
  readonly omissionCount: number;
  /** True when the text ends early because it grew beyond what a string can hold safely. */
  readonly isTruncated: boolean;
}

/** JavaScript engines refuse strings of 2^29 characters; a hostile file must not reach that. */
const maxTextLength = 256 * 1024 * 1024;

/** 0-based, `end` inclusive, as editors count. */
export interface LineRange {
  readonly start: number;
  readonly end: number;
}

/**
 * A model in the official textual syntax (onnx/docs/Syntax.md, onnx 1.23). Weights are references to
 * the model file, so that the text stays small. What has no form, such as doc strings and metadata of nodes,
 * graphs and values, is named in a comment at its place, cut to a line.
 * An operator, overload or subgraph name that is no identifier has its odd characters replaced.
 */
export function printModel(model: Model, options: PrintOptions): PrintedModel {
  const printer = createPrinter(options);
  printHeader(printer, modelHeader(model));
  const remark = modelRemark(model);
  if (remark !== null) printer.omit('', remark);
  printGraph(printer, model.graph, nameText(model.graph.name), '');
  printer.write('\n');
  for (const one of model.functions) printFunction(printer, one);
  return printer.finish();
}

interface Printer {
  readonly options: PrintOptions;
  readonly write: (text: string) => void;
  /** A comment line of its own, for something that has no form. */
  readonly omit: (indent: string, what: string) => void;
  readonly line: () => number;
  readonly nodeLines: Map<string, LineRange>;
  readonly blockLines: Map<string, LineRange>;
  readonly initializerLines: Map<string, number>;
  readonly otherTensorLines: Map<string, number>;
  readonly finish: () => PrintedModel;
}

function createPrinter(options: PrintOptions): Printer {
  const parts: string[] = [];
  let length = 0;
  let line = 0;
  let omissionCount = 0;
  const write = (text: string) => {
    length += text.length;
    if (length > maxTextLength) return;
    parts.push(text);
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) line++;
  };
  const nodeLines = new Map<string, LineRange>();
  const blockLines = new Map<string, LineRange>();
  const initializerLines = new Map<string, number>();
  const otherTensorLines = new Map<string, number>();
  return {
    options,
    write,
    omit: (indent, what) => {
      omissionCount++;
      write(`${indent}# ${commentText(what)}\n`);
    },
    line: () => line,
    nodeLines,
    blockLines,
    initializerLines,
    otherTensorLines,
    finish: () => ({
      text: parts.join(''),
      nodeLines,
      blockLines,
      tensorLines: new Map([...otherTensorLines, ...initializerLines]),
      omissionCount,
      isTruncated: length > maxTextLength,
    }),
  };
}

function modelHeader(model: Model): string[] {
  const fields: string[] = [];
  if (model.irVersion !== null) fields.push(`ir_version: ${model.irVersion}`);
  fields.push(`opset_import: ${opsetsText(model.opsets)}`);
  if (model.producerName !== '') fields.push(`producer_name: ${textLiteral(model.producerName)}`);
  if (model.producerVersion !== '') {
    fields.push(`producer_version: ${textLiteral(model.producerVersion)}`);
  }
  if (model.domain !== '') fields.push(`domain: ${textLiteral(model.domain)}`);
  if (model.modelVersion !== 0n) fields.push(`model_version: ${model.modelVersion}`);
  if (model.docString !== '') fields.push(`doc_string: ${textLiteral(model.docString)}`);
  if (model.metadata.size > 0) {
    const entries = Array.from(
      model.metadata,
      ([key, value]) => `${textLiteral(key)}: ${textLiteral(value)}`,
    );
    fields.push(`metadata_props: [${entries.join(', ')}]`);
  }
  return fields;
}

function opsetsText(opsets: ReadonlyMap<string, number>): string {
  const entries = Array.from(opsets, ([domain, version]) => `${textLiteral(domain)} : ${version}`);
  return `[${entries.join(', ')}]`;
}

function textLiteral(text: string): string {
  return quoted(displayText(text));
}

function printHeader(printer: Printer, fields: readonly string[]): void {
  printer.write(`<\n${fields.map((field) => `  ${field}`).join(',\n')}\n>\n`);
}

function printFunction(printer: Printer, one: ModelFunction): void {
  const start = printer.line();
  const fields = [`domain: ${textLiteral(one.domain)}`];
  if (one.overload !== '') fields.push(`overload: ${textLiteral(one.overload)}`);
  fields.push(`opset_import: ${opsetsText(one.opsets)}`);
  if (one.docString !== '') fields.push(`doc_string: ${textLiteral(one.docString)}`);
  printHeader(printer, fields);
  const attributes = [...one.attributeNames.map(nameText), ...defaultsText(printer, one)];
  const attributeList = attributes.length === 0 ? '' : ` <${attributes.join(', ')}>`;
  const list = (names: readonly string[]) => `(${names.map(nameText).join(', ')})`;
  printer.write(
    `${nameText(one.name)}${attributeList} ${list(one.inputs)} => ${list(one.outputs)}\n`,
  );
  const remark = functionRemark(one);
  if (remark !== null) printer.omit('', remark);
  printDeclarations(printer, '', one.valueInfos.map(valueDeclaration));
  printNodes(printer, one.nodes, '');
  printer.write('\n');
  const overload = one.overload === '' ? '' : `:${one.overload}`;
  printer.blockLines.set(`function:${one.domain}.${one.name}${overload}`, {
    start,
    end: printer.line() - 1,
  });
}

function defaultsText(printer: Printer, one: ModelFunction): string[] {
  return one.attributeDefaults.flatMap((attribute) => {
    const printed = attributeText(attribute, printer.options.weightsLocation);
    if (printed.kind === 'value') return [`${attributeHead(attribute)} = ${printed.text}`];
    const why = printed.kind === 'none' ? printed.why : 'it is a graph';
    printer.omit('', `attribute ${JSON.stringify(attribute.name)} left out: ${why}`);
    return [];
  });
}

/** Leaves the cursor after the closing brace. Recursion is bounded by the graphs' own nesting cap. */
function printGraph(printer: Printer, graph: Graph, name: string, indent: string): void {
  const start = printer.line();
  for (const { name: input } of graph.inputs) noteTensor(printer.otherTensorLines, input, start);
  const inputs = graph.inputs.map(valueInfoText).join(', ');
  const outputs = graph.outputs.map(valueInfoText).join(', ');
  printer.write(`${name} (${inputs}) => (${outputs})\n`);
  for (const remark of graphRemarks(graph)) printer.omit(indent, remark);
  printDeclarations(printer, indent, [
    ...graph.initializers.map((tensor) => initializerDeclaration(printer, tensor)),
    ...graph.valueInfos.map(valueDeclaration),
  ]);
  for (const sparse of graph.sparseInitializers) {
    const what = `sparse initializer ${JSON.stringify(sparse.values.name)}`;
    printer.omit(indent, `${what} [${sparse.dims.join(',')}] left out: no text form`);
  }
  printNodes(printer, graph.nodes, indent);
  printer.blockLines.set(graph.path, { start, end: printer.line() });
}

/** One line of a `<…>` list, null when it has no form, and the comments in front of it. */
interface Declaration {
  readonly text: string | null;
  readonly notes: readonly (string | null)[];
  /** Of an initializer, whose line is remembered. */
  readonly initializer: string | null;
}

function valueDeclaration(info: ValueInfo): Declaration {
  return { text: valueInfoText(info), notes: [valueRemark('value', info)], initializer: null };
}

function initializerDeclaration(printer: Printer, tensor: Tensor): Declaration {
  const printed = tensorText(tensor, printer.options.weightsLocation);
  const what = `initializer ${JSON.stringify(tensor.name)}`;
  if (printed === undefined) {
    const note = `${what} left out: data type ${tensor.dtypeCode} has no name`;
    return { text: null, notes: [note], initializer: tensor.name };
  }
  const note = printed.note === null ? null : `data of ${what} left out: ${printed.note}`;
  const text = `${printed.type} ${nameText(tensor.name)} = ${printed.data}`;
  return { text, notes: [note, initializerRemark(tensor)], initializer: tensor.name };
}

function printDeclarations(
  printer: Printer,
  indent: string,
  declarations: readonly Declaration[],
): void {
  const last = declarations.findLastIndex(({ text }) => text !== null);
  if (last >= 0) printer.write(`${indent}<\n`);
  declarations.forEach(({ text, notes, initializer }, index) => {
    for (const note of notes) if (note !== null) printer.omit(`${indent}  `, note);
    if (text === null) return;
    if (initializer !== null) noteTensor(printer.initializerLines, initializer, printer.line());
    printer.write(`${indent}  ${text}${index === last ? '' : ','}\n`);
  });
  if (last >= 0) printer.write(`${indent}>\n`);
}

/** Without a type when the syntax has no word for it. */
function valueInfoText(info: ValueInfo): string {
  const type = typeText(info.type);
  return type === undefined ? nameText(info.name) : `${type} ${nameText(info.name)}`;
}

function noteTensor(lines: Map<string, number>, name: string, line: number): void {
  if (!lines.has(name)) lines.set(name, line);
}

function printNodes(printer: Printer, nodes: readonly Node[], indent: string): void {
  printer.write(`${indent}{\n`);
  for (const node of nodes) printNode(printer, node, `${indent}  `);
  printer.write(`${indent}}`);
}

function printNode(printer: Printer, node: Node, indent: string): void {
  const attributes = printableAttributes(printer, node, indent);
  const remark = nodeRemark(node);
  if (remark !== null) printer.omit(indent, remark);
  const start = printer.line();
  for (const output of node.outputs) noteTensor(printer.otherTensorLines, output, start);
  const label = node.name === '' ? '' : `[${nameText(node.name)}] `;
  const outputs = node.outputs.map(nameText).join(', ');
  const head = `${indent}${label}${outputs} = ${operatorText(node)}`;
  const inputs = ` (${node.inputs.map(nameText).join(', ')})`;
  // Subgraphs are long: the inputs are easier to find in front of them.
  const inputsFirst = attributes.some(({ printed }) => printed.kind === 'graphs');
  printer.write(inputsFirst ? head + inputs : head);
  attributes.forEach(({ attribute, printed }, index) => {
    printer.write(`${index === 0 ? ' <' : ', '}${attributeHead(attribute)} = `);
    if (printed.kind === 'value') printer.write(printed.text);
    else if (printed.kind === 'graphs') printSubgraphs(printer, printed, indent);
  });
  if (attributes.length > 0) printer.write('>');
  printer.write(inputsFirst ? '\n' : `${inputs}\n`);
  printer.nodeLines.set(node.path, { start, end: printer.line() - 1 });
}

/** Comments for what has no form go in front of the node, where they cannot break it. */
function printableAttributes(
  printer: Printer,
  node: Node,
  indent: string,
): { attribute: Attribute; printed: AttributeText }[] {
  const kept: { attribute: Attribute; printed: AttributeText }[] = [];
  for (const attribute of node.attributes.values()) {
    const printed = attributeText(attribute, printer.options.weightsLocation);
    const what = `attribute ${JSON.stringify(attribute.name)}`;
    if (printed.kind === 'none') {
      printer.omit(indent, `${what} left out: ${printed.why}`);
      continue;
    }
    if (printed.kind === 'value') {
      for (const note of printed.notes) printer.omit(indent, `data of ${what} left out: ${note}`);
    } else {
      for (const { name } of printed.graphs) noteRenamed(printer, indent, name, subgraphName(name));
    }
    kept.push({ attribute, printed });
  }
  for (const word of [node.opType, ...node.domain.split('.'), node.overload]) {
    if (word !== '') noteRenamed(printer, indent, word, identifierFor(word));
  }
  return kept;
}

function noteRenamed(printer: Printer, indent: string, name: string, written: string): void {
  if (name !== written) printer.omit(indent, `${JSON.stringify(name)} is written ${written}`);
}

function operatorText({ domain, opType, overload }: Node): string {
  const prefix = domain === '' ? '' : `${domain.split('.').map(identifierFor).join('.')}.`;
  const suffix = overload === '' ? '' : `:${identifierFor(overload)}`;
  // Only with no domain and no overload may the operator itself be empty.
  const operator = opType === '' && prefix === '' && suffix === '' ? '' : identifierFor(opType);
  return prefix + operator + suffix;
}

function printSubgraphs(
  printer: Printer,
  { graphs, isList }: { readonly graphs: readonly Graph[]; readonly isList: boolean },
  indent: string,
): void {
  if (isList) printer.write('[');
  graphs.forEach((graph, index) => {
    if (index > 0) printer.write(', ');
    printGraph(printer, graph, subgraphName(graph.name), `${indent}  `);
  });
  if (isList) printer.write(']');
}
