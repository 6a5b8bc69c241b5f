import { concat } from '../../test/support/protobuf';
import type { Choices } from './random';

/** Changes that know nothing of what the bytes mean. */
export function mutateBytes(
  bytes: Uint8Array,
  other: Uint8Array,
  { below, pick }: Choices,
): Uint8Array {
  const at = below(bytes.byteLength);
  const end = at + 1 + below(Math.min(64, bytes.byteLength - at));
  const mutation = pick(
    ['flip', 'set', 'truncate', 'splice', 'delete', 'repeat', 'insert', 'fill'],
    'flip',
  );
  switch (mutation) {
    case 'truncate':
      return bytes.slice(0, at);
    case 'splice':
      return concat(bytes.subarray(0, at), other.subarray(below(other.byteLength)));
    case 'delete':
      return concat(bytes.subarray(0, at), bytes.subarray(end));
    case 'repeat':
      return concat(bytes.subarray(0, end), bytes.subarray(at));
    case 'insert':
      return concat(
        bytes.subarray(0, at),
        Uint8Array.from({ length: 1 + below(12) }, () => below(256)),
        bytes.subarray(at),
      );
    case 'fill':
      return bytes.map((byte, index) => (index >= at && index < end ? 0xff : byte));
    default: {
      const changed = bytes.slice();
      const before = changed[at] ?? 0;
      changed[at] = mutation === 'set' ? below(256) : before ^ (1 << below(8));
      return changed;
    }
  }
}
