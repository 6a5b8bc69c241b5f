import type { DeviceChoice, DeviceComparison, ModelReport } from '../../../server/src/protocol';

/** What the extension tells the model view. Each message replaces what the view knew of its subject. */
export type HostMessage =
  | { readonly kind: 'report'; readonly report: ModelReport }
  /** No report could be had at all; a model that cannot be read is a report with `failure`. */
  | { readonly kind: 'failed'; readonly message: string }
  /** Shown and announced while something runs; null: done. */
  | { readonly kind: 'busy'; readonly text: string | null }
  | { readonly kind: 'devices'; readonly devices: readonly DeviceChoice[] }
  | { readonly kind: 'comparison'; readonly estimates: DeviceComparison }
  | { readonly kind: 'comparisonFailed'; readonly message: string }
  /** Why fixes cannot run here (untrusted or virtual workspace); null: they can. */
  | { readonly kind: 'access'; readonly refusal: string | null };

/** What the model view asks of the extension. Nothing here is trusted: see `parseViewMessage`. */
export type ViewMessage =
  /** The view listens: send devices, access and the report. Sent again when the view is made anew. */
  | { readonly kind: 'ready' }
  | { readonly kind: 'reload' }
  /** The model as text, at a zero-based line when one is given. */
  | { readonly kind: 'openText'; readonly line: number | null }
  /** A report for this device, in this view. */
  | { readonly kind: 'setDevice'; readonly device: string }
  | { readonly kind: 'compareDevices'; readonly devices: readonly string[] }
  | { readonly kind: 'runRecipe'; readonly recipe: string }
  /** The command that asks for a recipe first. */
  | { readonly kind: 'optimize' }
  /** A variant of the report. */
  | { readonly kind: 'openModel'; readonly uri: string }
  | { readonly kind: 'openHelp'; readonly uri: string };

/** Longer texts are no id, recipe or uri that the view could have got from us. */
const maxTextLength = 8192;
const maxDevices = 200;

/** A message as it came over the wall, when it has the form of one; whether it is allowed is for the receiver. */
export function parseViewMessage(value: unknown): ViewMessage | null {
  if (typeof value !== 'object' || value === null) return null;
  const { kind, line, device, devices, recipe, uri } = value as Readonly<Record<string, unknown>>;
  switch (kind) {
    case 'ready':
    case 'reload':
    case 'optimize':
      return { kind };
    case 'openText':
      return line === null || isLine(line) ? { kind, line } : null;
    case 'setDevice':
      return isText(device) ? { kind, device } : null;
    case 'compareDevices':
      return isDeviceList(devices) ? { kind, devices } : null;
    case 'runRecipe':
      return isText(recipe) ? { kind, recipe } : null;
    case 'openModel':
    case 'openHelp':
      return isText(uri) ? { kind, uri } : null;
    default:
      return null;
  }
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= maxTextLength;
}

function isLine(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function isDeviceList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length <= maxDevices && value.every(isText);
}
