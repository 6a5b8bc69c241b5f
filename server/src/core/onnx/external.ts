import type { TensorStorage } from '../graph';
import type { ProblemSink } from '../problem';
import { displayText } from './utf8';

/** `TensorProto.external_data` as it stands in the file. */
export interface ExternalEntry {
  readonly key: string;
  readonly value: string;
}

const knownKeys = new Set(['location', 'offset', 'length', 'checksum', 'basepath']);

/**
 * Where an external tensor lies, or null with a problem. Later entries of a key win, as in onnx and
 * ONNX Runtime. The location is checked as text only: the host confines it again after following links.
 */
export function parseExternalData(
  entries: readonly ExternalEntry[],
  tensorName: string,
  sink: ProblemSink,
): Extract<TensorStorage, { kind: 'external' }> | null {
  const where = displayText(tensorName);
  const problem = (code: string, message: string): null => {
    sink.add({ code, severity: 'error', message, where });
    return null;
  };
  const values = new Map<string, string>();
  for (const { key, value } of entries) {
    if (!knownKeys.has(key)) {
      sink.add({
        code: 'external-data-unknown-key',
        severity: 'warning',
        message: `external_data of "${shorten(where)}" has the unknown key "${shorten(key)}"; it is ignored.`,
        where,
      });
    } else if (values.has(key)) {
      sink.add({
        code: 'external-data-duplicate-key',
        severity: 'warning',
        message: `external_data of "${shorten(where)}" gives "${key}" twice; the last one counts.`,
        where,
      });
    }
    values.set(key, value);
  }
  const location = values.get('location');
  if (location === undefined || location === '') {
    return problem(
      'external-data-no-location',
      `Tensor "${shorten(where)}" is external but names no file; export it again.`,
    );
  }
  const escape = locationProblem(location);
  if (escape) {
    return problem(
      'external-data-outside-folder',
      `Data of "${shorten(where)}" is at "${shorten(location)}", ${escape}; it is not read.`,
    );
  }
  const offset = parseCount(values.get('offset') ?? '0');
  const lengthText = values.get('length');
  const byteLength = lengthText === undefined ? null : parseCount(lengthText);
  if (offset === null || (lengthText !== undefined && byteLength === null)) {
    return problem(
      'external-data-invalid-range',
      `External data of "${shorten(where)}" has an offset or length that is no size in bytes.`,
    );
  }
  return { kind: 'external', location, offset, byteLength };
}

/** Why this location may not be opened, or null. Nothing is decoded: `%2e` is two letters. */
function locationProblem(location: string): string | null {
  // eslint-disable-next-line no-control-regex -- the point is to find control characters
  if (/[\u0000-\u001f]/u.test(location)) return 'a name with control characters';
  if (/^[\\/]/u.test(location)) return 'an absolute path';
  if (/^[a-z][a-z0-9+.-]*:/iu.test(location))
    return 'a drive or an address, not a file beside the model';
  const parts = location.split(/[\\/]/u);
  if (parts.includes('..')) return 'outside the model’s folder';
  if (parts.every((part) => part === '.' || part === '')) return 'a folder';
  if (location.includes('\\')) return 'a Windows path; ONNX wants forward slashes';
  return null;
}

/** A decimal size in bytes, safe and ≥ 0; null for anything else. */
function parseCount(text: string): number | null {
  if (!/^\d{1,16}$/u.test(text)) return null;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : null;
}

function shorten(text: string): string {
  return text.length <= 40 ? text : `${text.slice(0, 37)}…`;
}
