import type { OnnxToolComparison } from './compare';
import type { Inspected } from './run';

/** Why onnx-tool's nodes differ; null when nobody has looked yet. */
export function explainNodes({ different }: OnnxToolComparison): string | null {
  return different.length === 0 ? '' : null;
}

/** Why a file has more or fewer parameters than its module; null when nobody has looked yet. */
export function explainParameters(
  _name: string,
  _exporter: string,
  _model: Inspected,
  difference: number,
): string | null {
  return difference === 0 ? '' : null;
}
