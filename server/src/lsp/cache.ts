/** Values by key and version; the least recently used go when there are too many or they are too large. */
export interface Cache<Value> {
  /** The value of this version, made when it is not there. Two callers at once share the making. */
  get(key: string, version: string, make: () => Promise<Value>): Promise<Value>;
  delete(key: string): void;
  /** Deletes it only when this is still its value. */
  drop(key: string, value: Value): void;
  clear(): void;
  readonly size: number;
}

export interface CacheLimits<Value> {
  readonly maxEntries: number;
  readonly maxBytes: number;
  readonly bytesOf: (value: Value) => number;
}

interface Entry<Value> {
  readonly version: string;
  readonly value: Promise<Value>;
  bytes: number;
  /** Null until it is made. */
  made: { readonly value: Value } | null;
}

export function createCache<Value>(limits: CacheLimits<Value>): Cache<Value> {
  // In order of use: a Map keeps the order of insertion.
  const entries = new Map<string, Entry<Value>>();
  const shrink = (newest: Entry<Value>): void => {
    let bytes = 0;
    for (const entry of entries.values()) bytes += entry.bytes;
    for (const [key, entry] of entries) {
      if (entries.size <= limits.maxEntries && bytes <= limits.maxBytes) return;
      // What was just made is in use, however large it is; it goes with the next one.
      if (entry === newest) continue;
      entries.delete(key);
      bytes -= entry.bytes;
    }
  };
  return {
    get(key, version, make) {
      const known = entries.get(key);
      entries.delete(key);
      if (known?.version === version) {
        entries.set(key, known);
        return known.value;
      }
      const entry: Entry<Value> = { version, value: make(), bytes: 0, made: null };
      entries.set(key, entry);
      entry.value.then(
        (value) => {
          entry.made = { value };
          entry.bytes = limits.bytesOf(value);
          if (entries.get(key) === entry) shrink(entry);
        },
        () => {
          if (entries.get(key) === entry) entries.delete(key);
        },
      );
      return entry.value;
    },
    delete: (key) => void entries.delete(key),
    drop: (key, value) => {
      if (entries.get(key)?.made?.value === value) entries.delete(key);
    },
    clear: () => {
      entries.clear();
    },
    get size() {
      return entries.size;
    },
  };
}
