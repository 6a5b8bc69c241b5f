import type { Problem } from '../problem';

interface Signature {
  readonly code: string;
  readonly message: string;
  readonly matches: (head: Uint8Array, text: string) => boolean;
}

const signatures: readonly Signature[] = [
  {
    code: 'empty-file',
    message: 'The file is empty; export or download the model again.',
    matches: (head, text) => head.byteLength < sniffBytes && /^\s*$/u.test(text),
  },
  {
    code: 'git-lfs-pointer',
    message: 'This is a Git LFS pointer, not the model; run "git lfs pull" in the repository.',
    matches: (_, text) => text.startsWith('version https://git-lfs'),
  },
  {
    code: 'html-page',
    message: 'This is a web page saved under the model’s name; download the file itself.',
    matches: (_, text) => /^\s*<(!doctype|html|\?xml)/iu.test(text),
  },
  {
    code: 'compressed-file',
    message: 'This file is gzip-compressed; unpack it first.',
    matches: (head) => head[0] === 0x1f && head[1] === 0x8b,
  },
  {
    code: 'compressed-file',
    message: 'This file is a zip archive; unpack it first.',
    matches: (_, text) => text.startsWith('PK\u0003\u0004'),
  },
  {
    code: 'byte-order-mark',
    message:
      'A text byte order mark stands before the model; the file was saved as text. Get it again as binary.',
    matches: (head) => head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf,
  },
  {
    code: 'not-onnx',
    message:
      'This is an ONNX Runtime (.ort) flatbuffer, not ONNX; use the .onnx file it was made from.',
    matches: (head, text) => isFlatbuffer(head) && text.slice(4, 8) === 'ORTM',
  },
  {
    code: 'not-onnx',
    message: 'This is a TensorFlow Lite model, not ONNX.',
    matches: (head, text) => isFlatbuffer(head) && text.slice(4, 8) === 'TFL3',
  },
];

/** A flatbuffer starts with the offset of its root, a small number; in a model these bytes may be its producer's name. */
function isFlatbuffer(head: Uint8Array): boolean {
  return head[2] === 0 && head[3] === 0;
}

/** How many bytes `sniffProblem` wants. */
export const sniffBytes = 64;

/** What a file is when its first bytes show that it is no ONNX model, as a problem; null when it may be one. */
export function sniffProblem(head: Uint8Array): Problem | null {
  const text = String.fromCharCode(...head.subarray(0, sniffBytes));
  const found = signatures.find(({ matches }) => matches(head, text));
  return found ? { code: found.code, severity: 'error', message: found.message } : null;
}
