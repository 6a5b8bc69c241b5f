import type { Slab } from './slab';
import { asciiText } from '../ascii-text';
import type { Window } from './window';
import { inlinePayloadBytes } from './wire-payload';
import type { NameTable } from '../name-table';
import type { WirePlainTensor, WireSpan, WireTensorAttribute } from './wire-types';

/** Fields of TensorProto with their wire types, in one byte. */
const tags = { dim: 0x08, dims: 0x0a, dataType: 0x10, name: 0x42, rawData: 0x4a } as const;
/** Numbers up to here need no more than 32 bits. */
const maxVarintBytes = 4;
/** More are left to the general way, which says what is wrong with them. */
const maxDims = 16;

/** Where a message stands in the file. */
type Content = Pick<WireSpan, 'contentStart' | 'end'>;

/**
 * Reads a tensor that has just a name, a type, dims and `raw_data`, as weights mostly have: a model may have tens of
 * thousands. The window then stands at its end. Null, with the window where it was, for all others.
 *
 * @param names of the graph's values; null for a tensor that is none
 */
export function readPlainTensor(
  window: Window,
  span: Content,
  slab: Slab,
  names: NameTable | null,
): WirePlainTensor | null {
  const { bytes, view, start } = window;
  const stop = span.end - start;
  let name = '';
  let number = -1;
  let dtypeCode = 0;
  const dims: number[] = [];
  let raw: WirePlainTensor['raw'] | null = null;
  const at = { position: span.contentStart - start };
  const varint = (): number => readVarint(bytes, at);
  while (at.position < stop) {
    const tag = bytes[at.position++];
    if (tag === undefined) return null;
    const value = varint();
    if (value < 0) return null;
    const end = at.position + value;
    if (tag === tags.dim) dims.push(value);
    else if (tag === tags.dataType) dtypeCode = value;
    else if (end > stop) return null;
    else if (tag === tags.dims) {
      while (at.position < end && dims.length <= maxDims) {
        const dim = varint();
        if (dim < 0) return null;
        dims.push(dim);
      }
      if (at.position !== end) return null;
    } else if (tag === tags.name) {
      if (end > bytes.byteLength) return null;
      if (names && value > 0) {
        number = names.addAscii(bytes, view, at.position, value);
        if (number < 0) return null;
        name = names.texts[number] ?? '';
      } else {
        const text = asciiText(bytes, at.position, value);
        if (text === null) return null;
        [name, number] = [text, -1];
      }
      at.position = end;
    } else if (tag === tags.rawData && !raw) {
      raw = { offset: start + at.position, byteLength: value };
      at.position = end;
    } else return null;
    if (dims.length > maxDims) return null;
  }
  if (!raw || at.position !== stop) return null;
  const from = raw.offset - start;
  const isSmall = raw.byteLength <= inlinePayloadBytes;
  if (isSmall && from + raw.byteLength > bytes.byteLength) return null;
  const inline = isSmall ? slab.copyOf(bytes.subarray(from, from + raw.byteLength)) : null;
  window.position = span.end;
  return { name, number, docString: '', dtypeCode, dims, raw, inline };
}

/** Fields of AttributeProto with their wire types; that of the type takes two bytes. */
const attributeTags = { name: 0x0a, tensor: 0x2a, type: [0xa0, 0x01] } as const;
const tensorType = 4;
/** Names are kept for all nodes, and no operator's is as long. */
const maxNameBytes = 127;

/**
 * Reads an attribute that has just a name, its type and a plain tensor, as Constant nodes do: those are a third of the
 * nodes that PyTorch's exporter writes. Null, with the window where it was, for all others.
 *
 * @param span is at hand
 */
export function readTensorAttribute(
  window: Window,
  span: Content,
  words: NameTable,
  slab: Slab,
): WireTensorAttribute | null {
  const { bytes, view, start, position } = window;
  const stop = span.end - start;
  let name: string | null = null;
  let tensor: WirePlainTensor | null = null;
  let isTyped = false;
  const at = { position: span.contentStart - start };
  while (at.position < stop) {
    const tag = bytes[at.position++];
    const value = tag === attributeTags.type[0] ? -1 : readVarint(bytes, at);
    const end = at.position + value;
    const isName = tag === attributeTags.name && value > 0 && value <= maxNameBytes;
    if (isName && name === null && end <= stop) {
      const number = words.addAscii(bytes, view, at.position, value);
      if (number < 0) break;
      name = words.texts[number] ?? '';
      at.position = end;
    } else if (tag === attributeTags.tensor && !tensor && value >= 0 && end <= stop) {
      const inner = { contentStart: start + at.position, end: start + end };
      tensor = readPlainTensor(window, inner, slab, null);
      if (!tensor) break;
      at.position = end;
    } else if (
      tag === attributeTags.type[0] &&
      bytes[at.position] === attributeTags.type[1] &&
      bytes[at.position + 1] === tensorType
    ) {
      isTyped = true;
      at.position += 2;
    } else break;
  }
  if (at.position === stop && isTyped && name !== null && tensor) {
    window.position = span.end;
    return { name, tensor };
  }
  window.position = position;
  return null;
}

/** -1 when it is longer than 28 bits or not at hand. */
function readVarint(bytes: Uint8Array, at: { position: number }): number {
  let value = 0;
  for (let index = 0; index < maxVarintBytes; index++) {
    const byte = bytes[at.position++];
    if (byte === undefined) return -1;
    value |= (byte & 127) << (7 * index);
    if (byte < 128) return value;
  }
  return -1;
}
