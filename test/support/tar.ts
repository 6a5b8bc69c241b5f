import { gunzipSync } from 'node:zlib';

const blockBytes = 512;

/** The regular files of a `.tar.gz` by path; long names in ustar's prefix or GNU's extra entry. */
export function filesOfTarGz(bytes: Uint8Array): ReadonlyMap<string, Uint8Array> {
  const tar = gunzipSync(bytes);
  const files = new Map<string, Uint8Array>();
  let longName = '';
  for (let at = 0; at + blockBytes <= tar.length;) {
    const header = tar.subarray(at, at + blockBytes);
    const size = parseInt(text(header, 124, 12), 8);
    if (!Number.isSafeInteger(size)) break;
    const body = tar.subarray(at + blockBytes, at + blockBytes + size);
    const type = text(header, 156, 1);
    const prefix = text(header, 345, 155);
    const name = longName || (prefix ? `${prefix}/` : '') + text(header, 0, 100);
    longName = type === 'L' ? text(body, 0, size) : '';
    if (type === '0' || type === '') files.set(name, body);
    at += blockBytes * (1 + Math.ceil(size / blockBytes));
  }
  return files;
}

function text(bytes: Uint8Array, offset: number, length: number): string {
  const field = new TextDecoder().decode(bytes.subarray(offset, offset + length));
  return field.split('\0')[0] ?? '';
}
