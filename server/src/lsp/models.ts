import { createCache, type Cache } from './cache';
import { statesOf } from './external-files';
import type { ServerHost } from './host';
import { readView, type ModelView } from './model-view';
import type { SettingsService } from './settings';
import { pathOf } from './uris';

export { lineOfAnchor, lineText } from './model-view';
export type { ModelView, PlacedFinding, ReadableModel, UnreadableModel } from './model-view';

export interface Models {
  /** Reads, analyses and prints a model, or takes it from the cache. */
  open(uri: string): Promise<ModelView>;
  forget(uri: string): void;
  clear(): void;
  readonly cachedCount: number;
}

/** What somebody looks at, and a few that were looked at before. */
const cacheLimits = { maxEntries: 8, maxBytes: 256 * 1024 * 1024 };

/** Roughly, with all that is known of it; measured on a model of 60,000 nodes. */
const bytesPerNode = 3_000;

/** Data files that change while they are looked at are looked at once more, not for ever. */
const maxReadings = 2;

interface Cached {
  readonly view: ModelView;
  /** States of the external data files. */
  readonly external: string;
}

export function createModels(host: ServerHost, settings: SettingsService): Models {
  const cache: Cache<Cached> = createCache({ ...cacheLimits, bytesOf });
  const read = async (uri: string): Promise<Cached> => {
    const path = pathOf(uri);
    const [version, own] = await Promise.all([
      path === null ? null : host.stat(path),
      settings.of(uri),
    ]);
    const key = `${version?.modifiedTime ?? ''}:${version?.byteLength ?? ''}:${own.isIgnored}:${own.key}`;
    return cache.get(uri, key, async () => {
      const view = await readView(host, { uri, version, settings: own });
      return { view, external: await statesOf(host, view.externalPaths) };
    });
  };
  return {
    open: async (uri) => {
      let cached = await read(uri);
      for (let reading = 1; reading < maxReadings; reading++) {
        if ((await statesOf(host, cached.view.externalPaths)) === cached.external) break;
        cache.drop(uri, cached);
        cached = await read(uri);
      }
      return cached.view;
    },
    forget: (uri) => {
      cache.delete(uri);
    },
    clear: () => {
      cache.clear();
    },
    get cachedCount() {
      return cache.size;
    },
  };
}

function bytesOf({ view }: Cached): number {
  const characters = view.pages.parts.reduce((sum, { text }) => sum + text.length, 0);
  const nodes = view.kind === 'model' ? view.analysis.facts.nodes.length : 0;
  return characters * 2 + nodes * bytesPerNode;
}
