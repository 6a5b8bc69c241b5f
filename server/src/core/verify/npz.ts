import { unzipSync, type UnzipFileInfo } from 'fflate';
import { formatBytes, shortName } from '../format';
import { maxArrayBytes, readNpy } from './npy';
import { parsed, refused, type Parsed } from './parsed';
import type { NamedTensorData } from './tensor-data';

/** More arrays than any model has inputs; a zip of a million empty entries is an attack on memory. */
const maxArrays = 4096;
/** Deflate cannot shrink further than 1032 : 1; an entry that claims more lies about its size. */
const maxDeflateRatio = 1032;

/**
 * Reads a `.npz` file: a zip of `.npy` arrays, stored or deflated, named by entry without the ending.
 * Entries of other names are ignored. The sizes in the zip's directory are capped before anything is unpacked.
 */
export function readNpz(bytes: Uint8Array): Parsed<readonly NamedTensorData[]> {
  const entries = unpack(bytes);
  if (!entries.ok) return entries;
  const arrays: NamedTensorData[] = [];
  for (const [entryName, content] of entries.value) {
    const name = entryName.slice(0, -'.npy'.length);
    const array = readNpy(content);
    if (!array.ok) {
      const { code, message } = array.problem;
      return refused(code, `${shortName(name, 24)}: ${message}`);
    }
    arrays.push({ name, data: array.value });
  }
  return parsed(arrays);
}

interface Claimed {
  count: number;
  totalBytes: number;
  isFalse: boolean;
}

function unpack(bytes: Uint8Array): Parsed<readonly (readonly [string, Uint8Array])[]> {
  const claimed: Claimed = { count: 0, totalBytes: 0, isFalse: false };
  try {
    const files = unzipSync(bytes, { filter: (file) => accept(file, claimed) });
    return refusal(claimed) ?? parsed(Object.entries(files));
  } catch (error) {
    const why = error instanceof Error ? error.message : 'unknown error';
    return refused('malformed-test-data', `Not a readable .npz file: ${shortName(why, 60)}.`);
  }
}

/** Adds what the directory says of an entry; false: it is not unpacked. */
function accept(file: UnzipFileInfo, claimed: Claimed): boolean {
  if (!file.name.endsWith('.npy')) return false;
  claimed.count += 1;
  claimed.totalBytes += file.originalSize;
  claimed.isFalse ||= file.originalSize > (file.size + 1) * maxDeflateRatio;
  return refusal(claimed) === null;
}

function refusal({ count, totalBytes, isFalse }: Claimed): Parsed<never> | null {
  if (isFalse)
    return refused('malformed-test-data', 'Not a readable .npz file: its sizes are false.');
  if (count > maxArrays) {
    return refused(
      'test-data-too-large',
      `${count} arrays in one .npz; at most ${maxArrays} are read.`,
    );
  }
  if (totalBytes > maxArrayBytes) {
    return refused(
      'test-data-too-large',
      `The .npz unpacks to ${formatBytes(totalBytes)}; at most ${formatBytes(maxArrayBytes)} are read.`,
    );
  }
  return null;
}
