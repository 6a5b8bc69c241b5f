import { asciiText } from '../ascii-text';
import type { Window } from './window';
import type { GraphBuilder } from './wire-records';
import type { RunCandidate, Runs } from './wire-runs';
import type { WireSpan } from './wire-types';

/** Fields 1 and 2 of ValueInfoProto, length-delimited. */
const [nameTag, typeTag] = [0x0a, 0x12];

/**
 * Adds the record of a `value_info` message, which `reduced` need not have when it gets `sameTypeAs`. One that has a short name in ASCII and the type of an earlier one, as
 * nearly all have in a large graph, is read by that: the window then stands at its end.
 *
 * @returns what makes its type known to those behind it, once it is read; null when nothing does
 */
export function readValueInfo(
  window: Window,
  graph: GraphBuilder,
  span: WireSpan,
  types: Runs,
): RunCandidate | null {
  const info = { name: '', sameTypeAs: -1 };
  graph.valueInfoSpans.push(span);
  const index = graph.valueInfos.push(info) - 1;
  const { bytes, start } = window;
  const stop = span.end - start;
  const nameStart = span.contentStart - start + 2;
  const nameLength = bytes[nameStart - 1] ?? 0;
  const typeStart = nameStart + nameLength + 2;
  const typeLength = bytes[typeStart - 1] ?? 0;
  if (stop > bytes.byteLength || bytes[nameStart - 2] !== nameTag || nameLength > 127) return null;
  // Only these two, in this order, and lengths of one byte.
  if (bytes[typeStart - 2] !== typeTag || typeLength > 127 || typeStart + typeLength !== stop) {
    return null;
  }
  const known = types.find(graph, bytes, typeStart, typeLength);
  if (known < 0) return types.candidate(graph, index, bytes, typeStart, typeLength);
  const name = asciiText(bytes, nameStart, nameLength);
  if (name === null) return null;
  info.name = name;
  info.sameTypeAs = known;
  window.position = span.end;
  return null;
}
