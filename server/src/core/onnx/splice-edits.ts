import { normalizeDomain, type Model } from '../graph';
import type { ByteSource } from '../source';
import type { NewTensor, Patch } from '../transform/patch';
import { encodeNode, encodeOpset, encodeStringEntry, encodeTensorHeader } from './encode';
import { listFields, type FieldSpan } from './message-fields';
import {
  concatBytes,
  intField,
  lengthDelimited,
  lengthDelimitedHead,
  varint,
} from './protobuf-write';
import {
  bytesPiece,
  encodeLength,
  growth,
  lengthEdit,
  type Edit,
  type Piece,
} from './splice-pieces';
import { decodeText, encodeText } from './utf8';
import { createWindow } from './window';
import type { SpanList } from './span-list';
import type { WireModel, WireSpan } from './wire-types';

/** What a patch asks for, as edits of the file. What it names twice is done once. */

type Spans = Pick<SpanList, 'at'>;

/** Nodes, initializers, inputs and value infos that come or go as a whole. */
export function graphEdits(model: Model, wire: WireModel, patch: Patch): Edit[] {
  const { graph } = wire;
  if (!graph) return [];
  const edit = (start: number, end: number, pieces: readonly Piece[]): Edit => ({
    start,
    end,
    pieces,
    segment: segmentAt(graph.segments, start),
    level: 1,
  });
  const remove = (spans: Spans, indices: Iterable<number>): Edit[] =>
    [...new Set(indices)].flatMap((index) => {
      const span = spans.at(index);
      return span ? [edit(span.tagStart, span.end, [])] : [];
    });
  const graphEnd = graph.segments.at(-1)?.end ?? 0;
  const nodesEnd = graph.nodeSpans.at(-1)?.end ?? graphEnd;
  const initializersEnd = graph.initializers.at(-1)?.end ?? graphEnd;
  const goneValues = new Set(patch.removeValueInfos);
  const goneValueInfos = model.graph.valueInfos.flatMap(({ name }, index) =>
    goneValues.has(name) ? [index] : [],
  );
  return [
    ...remove(graph.nodeSpans, patch.removeNodes),
    ...remove(graph.initializers, patch.removeInitializers),
    ...remove(graph.inputs, patch.removeInputs),
    ...remove(graph.valueInfoSpans, goneValueInfos),
    ...patch.insertNodes.map(({ before, node }) => {
      const next = before === 'end' ? undefined : graph.nodeSpans.at(before);
      const at = next?.tagStart ?? nodesEnd;
      return edit(at, at, [bytesPiece(lengthDelimited(1, encodeNode(node)))]);
    }),
    ...patch.addInitializers.map((tensor) =>
      edit(initializersEnd, initializersEnd, tensorPieces(tensor)),
    ),
  ];
}

/** The segment that holds the field or the gap at `position`; segments are in file order. */
function segmentAt(segments: readonly WireSpan[], position: number): number {
  let low = 0;
  let high = segments.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (position <= (segments[middle]?.end ?? 0)) high = middle;
    else low = middle + 1;
  }
  return low;
}

function tensorPieces(tensor: NewTensor): Piece[] {
  const { head } = encodeTensorHeader(tensor, tensor.byteLength);
  const field = lengthDelimitedHead(5, head.byteLength + tensor.byteLength);
  return [bytesPiece(concatBytes([field, head])), { kind: 'payload', tensor }];
}

/** Field numbers of NodeProto. */
const nodeFields = { input: 1, output: 2, name: 3 } as const;

interface Rename {
  readonly number: number;
  /** Which occurrence of the field; null for the last one, which is what counts of a singular field. */
  readonly occurrence: number | null;
  /** Null takes the field away. */
  readonly to: string | null;
}

/** New names in nodes that stay; the rest of the node is copied. */
export async function nodeEdits(
  source: ByteSource,
  wire: WireModel,
  patch: Patch,
): Promise<Edit[]> {
  const { graph } = wire;
  if (!graph) return [];
  const byNode = renamesByNode(patch);
  for (const index of patch.removeNodes) byNode.delete(index);
  const window = createWindow(source);
  const edits: Edit[] = [];
  // In file order, so that one read serves many nodes.
  for (const [index, renames] of [...byNode].sort(([a], [b]) => a - b)) {
    const span = graph.nodeSpans.at(index);
    if (!span) continue;
    const segment = segmentAt(graph.segments, span.tagStart);
    const fields = await listFields(window, span.contentStart, span.end);
    edits.push(...withLength(renameEdits(renames, fields, span, segment), span, segment));
  }
  return edits;
}

/** Edits inside a message, and that of its length. */
function withLength(inner: readonly Edit[], span: WireSpan, segment: number | null): Edit[] {
  const change = inner.reduce((total, edit) => total + growth(edit), 0);
  return change === 0 ? [...inner] : [...inner, lengthEdit(span, change, segment, 2)];
}

/** By node, then by what is renamed: the last word on a name counts. */
function renamesByNode(patch: Patch): Map<number, Map<string, Rename>> {
  const byNode = new Map<number, Map<string, Rename>>();
  const add = (node: number, rename: Rename): void => {
    const renames = byNode.get(node) ?? new Map<string, Rename>();
    byNode.set(node, renames.set(`${rename.number}:${rename.occurrence ?? ''}`, rename));
  };
  for (const { node, input, to } of patch.renameInputs) {
    add(node, { number: nodeFields.input, occurrence: input, to });
  }
  for (const { node, output, to } of patch.renameOutputs) {
    add(node, { number: nodeFields.output, occurrence: output, to });
  }
  for (const { node, to } of patch.renameNodes) {
    add(node, { number: nodeFields.name, occurrence: null, to });
  }
  return byNode;
}

function renameEdits(
  renames: ReadonlyMap<string, Rename>,
  fields: readonly FieldSpan[],
  node: WireSpan,
  segment: number,
): Edit[] {
  const byNumber = new Map<number, FieldSpan[]>();
  for (const field of fields) {
    if (field.wireType !== 2) continue;
    const list = byNumber.get(field.number);
    if (list) list.push(field);
    else byNumber.set(field.number, [field]);
  }
  return [...renames.values()].flatMap((rename) =>
    renameEdit(rename, byNumber.get(rename.number) ?? [], node, segment),
  );
}

function renameEdit(
  { number, occurrence, to }: Rename,
  occurrences: readonly FieldSpan[],
  node: WireSpan,
  segment: number,
): Edit[] {
  if (to === null) {
    return occurrences.map(({ tagStart, end }) => innerEdit(tagStart, end, [], segment));
  }
  const found = occurrence === null ? occurrences.at(-1) : occurrences[occurrence];
  return [textEdit(number, found, to, node, segment)];
}

function innerEdit(
  start: number,
  end: number,
  pieces: readonly Piece[],
  segment: number | null,
): Edit {
  return { start, end, pieces, segment, level: 2 };
}

/** Another text for a field of a message; without a field it is added at the end. */
function textEdit(
  number: number,
  found: FieldSpan | undefined,
  value: string,
  message: WireSpan,
  segment: number | null,
): Edit {
  const text = encodeText(value);
  if (!found) {
    const added = bytesPiece(lengthDelimited(number, text));
    return innerEdit(message.end, message.end, [added], segment);
  }
  const { valueStart, contentStart, end } = found;
  const length = encodeLength({ lengthStart: valueStart, contentStart, end }, text.byteLength);
  return innerEdit(valueStart, end, [bytesPiece(concatBytes([length, text]))], segment);
}

/** Field numbers of OperatorSetIdProto and StringStringEntryProto. */
const opsetFields = { domain: 1, version: 2 } as const;
const entryValue = 2;

/** Versions of `opset_import` that differ from the file's. The version alone is replaced. */
export async function opsetEdits(
  source: ByteSource,
  wire: WireModel,
  model: Model,
  patch: Patch,
): Promise<Edit[]> {
  const wanted = new Map(
    [...patch.setOpsets].map(([domain, version]) => [normalizeDomain(domain), version] as const),
  );
  for (const [domain, version] of wanted) {
    if (model.opsets.get(domain) === version) wanted.delete(domain);
  }
  if (wanted.size === 0) return [];
  const known = await readOpsets(source, wire);
  return [...wanted].flatMap(([domain, version]) => {
    const opset = known.get(domain);
    if (!opset) return [appended(wire, lengthDelimited(8, encodeOpset(domain, version)))];
    const found = opset.fields.findLast(
      ({ number, wireType }) => number === opsetFields.version && wireType === 0,
    );
    const { end } = opset.span;
    const edit = found
      ? innerEdit(found.valueStart, found.end, [bytesPiece(varint(version))], null)
      : innerEdit(end, end, [bytesPiece(intField(opsetFields.version, version))], null);
    return withLength([edit], opset.span, null);
  });
}

interface Opset {
  readonly span: WireSpan;
  readonly fields: readonly FieldSpan[];
}

/** The last `opset_import` of each domain: the one that counts. */
async function readOpsets(source: ByteSource, wire: WireModel): Promise<Map<string, Opset>> {
  const opsets = new Map<string, Opset>();
  const window = createWindow(source);
  for (const span of wire.opsets) {
    const fields = await listFields(window, span.contentStart, span.end);
    const field = fields.findLast(
      ({ number, wireType }) => number === opsetFields.domain && wireType === 2,
    );
    const bytes = field && (await source.read(field.contentStart, field.end - field.contentStart));
    opsets.set(normalizeDomain(bytes ? decodeText(bytes) : ''), { span, fields });
  }
  return opsets;
}

/** Entries of `metadata_props` are added; of an existing key's entry the value is replaced. */
export async function metadataEdits(
  source: ByteSource,
  wire: WireModel,
  model: Model,
  patch: Patch,
): Promise<Edit[]> {
  const keys = [...model.metadata.keys()];
  const window = createWindow(source);
  const edits: Edit[] = [];
  for (const [key, value] of patch.setMetadata) {
    // With repeated keys positions and the map disagree: then the new entry goes last, where it wins.
    const span =
      keys.length === wire.metadata.length ? wire.metadata[keys.indexOf(key)] : undefined;
    if (!span) {
      edits.push(appended(wire, lengthDelimited(14, encodeStringEntry(key, value))));
      continue;
    }
    const fields = await listFields(window, span.contentStart, span.end);
    const found = fields.findLast(
      ({ number, wireType }) => number === entryValue && wireType === 2,
    );
    edits.push(...withLength([textEdit(entryValue, found, value, span, null)], span, null));
  }
  return edits;
}

function appended({ byteLength }: WireModel, bytes: Uint8Array): Edit {
  return {
    start: byteLength,
    end: byteLength,
    pieces: [bytesPiece(bytes)],
    segment: null,
    level: 0,
  };
}
