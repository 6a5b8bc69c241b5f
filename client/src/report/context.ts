import type { DeviceChoice, DeviceComparison, ModelReport } from '../../../server/src/protocol';
import type { SortKey } from './figures';
import type { ViewMessage } from './messages';

/** What the reader has set in the view; survives reloads of the page. */
export interface ViewSettings {
  readonly filter: string;
  readonly showsAllLayers: boolean;
  readonly showsNotes: boolean;
  /** Name of the group that is compared; null: no comparison is open. */
  readonly compared: string | null;
  readonly sort: SortKey;
}

export const firstSettings: ViewSettings = {
  filter: '',
  showsAllLayers: false,
  showsNotes: false,
  compared: null,
  sort: 'energy',
};

/** What the parts of the view are made from. */
export interface ViewContext {
  readonly report: ModelReport;
  readonly devices: readonly DeviceChoice[];
  /** Null: asked for, not there yet. */
  readonly comparison: DeviceComparison | { readonly failure: string } | null;
  /** Why fixes cannot run here. */
  readonly refusal: string | null;
  readonly isBusy: boolean;
  readonly settings: ViewSettings;
  /** Remembers; the part shows the change itself. */
  readonly remember: (change: Partial<ViewSettings>) => void;
  readonly send: (message: ViewMessage) => void;
  /** Read to those who do not see the view. */
  readonly announce: (text: string) => void;
}
