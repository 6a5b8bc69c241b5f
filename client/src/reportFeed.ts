import type { Uri } from 'vscode';
import {
  compareDevicesRequest,
  devicesRequest,
  modelReportRequest,
  type ModelReport,
} from '../../server/src/protocol';
import type { Server } from './client';
import { refusal } from './optimize';
import type { HostMessage } from './report/messages';

/** What one page of the model view is told, and when it is told again. */
export interface ReportFeed {
  /** What the page shows; null before the first answer and when there was none. */
  readonly report: () => ModelReport | null;
  /** The page listens: it gets everything. A page that was hidden is made anew and has lost what it was told. */
  readonly start: () => Promise<void>;
  /** The page is gone until it says again that it listens. */
  readonly pause: () => void;
  readonly load: () => Promise<void>;
  /** Another device than the settings', in this page alone. */
  readonly setDevice: (device: string) => Promise<void>;
  /** At once, or when the page listens. */
  readonly compare: (devices: readonly string[]) => Promise<void>;
  /** What the page shows may be wrong now: asks again, at once or when the page listens. */
  readonly outdate: () => void;
  readonly dispose: () => void;
}

/** Several events of one save are one reload. */
const reloadDelay = 200;

export function createReportFeed(
  server: Server,
  model: Uri,
  post: (message: HostMessage) => void,
): ReportFeed {
  let report: ModelReport | null = null;
  let device: string | null = null;
  let isListening = false;
  let isOutdated = true;
  let loading = 0;
  let timer: NodeJS.Timeout | undefined;
  let pendingComparison: readonly string[] | null = null;
  // The page takes longer to load than most models to read: it is asked for meanwhile.
  let early: Promise<ModelReport | string> | null = askForReport(server, model, null);

  const load = async (): Promise<void> => {
    isOutdated = false;
    const turn = ++loading;
    post({ kind: 'access', refusal: refusal() });
    post({ kind: 'busy', text: report === null ? 'Reading the model…' : 'Updating…' });
    const asked = (device === null ? early : null) ?? askForReport(server, model, device);
    early = null;
    const answer = await asked;
    // A later question is under way: its answer counts.
    if (turn !== loading) return;
    report = typeof answer === 'string' ? null : answer;
    if (typeof answer === 'string') post({ kind: 'failed', message: answer });
    else post({ kind: 'report', report: answer });
    post({ kind: 'busy', text: null });
  };
  const compare = async (devices: readonly string[]): Promise<void> => {
    if (!isListening) {
      pendingComparison = devices;
      return;
    }
    post({ kind: 'busy', text: 'Comparing devices…' });
    post(await askForComparison(server, model, devices));
    post({ kind: 'busy', text: null });
  };
  const show = async (): Promise<void> => {
    if (report === null || isOutdated) return load();
    post({ kind: 'access', refusal: refusal() });
    post({ kind: 'report', report });
  };
  return {
    report: () => report,
    start: async () => {
      isListening = true;
      const [devices] = await Promise.all([
        server.request(devicesRequest, null).catch(() => []),
        show(),
      ]);
      post({ kind: 'devices', devices });
      if (pendingComparison) await compare(pendingComparison);
      pendingComparison = null;
    },
    pause: () => {
      isListening = false;
    },
    load,
    setDevice: (chosen) => {
      device = chosen;
      return load();
    },
    compare,
    outdate: () => {
      isOutdated = true;
      early = null;
      clearTimeout(timer);
      timer = setTimeout(() => {
        if (isOutdated && isListening) void load();
      }, reloadDelay);
    },
    dispose: () => {
      isListening = false;
      clearTimeout(timer);
    },
  };
}

/** The report, or a sentence about why there is none. */
async function askForReport(
  server: Server,
  model: Uri,
  device: string | null,
): Promise<ModelReport | string> {
  try {
    const uri = model.toString();
    const params = device === null ? { uri } : { uri, device };
    return (await server.request(modelReportRequest, params)) ?? 'The server knows no such model.';
  } catch (error) {
    server.log.error(`No report for ${model.toString()}: ${String(error)}`);
    return 'The server did not answer. The log says more.';
  }
}

async function askForComparison(
  server: Server,
  model: Uri,
  devices: readonly string[],
): Promise<HostMessage> {
  try {
    const params = { uri: model.toString(), devices };
    const estimates = await server.request(compareDevicesRequest, params);
    if (estimates) return { kind: 'comparison', estimates };
    return { kind: 'comparisonFailed', message: 'Nothing can be estimated for this model.' };
  } catch (error) {
    server.log.error(`No comparison for ${model.toString()}: ${String(error)}`);
    return { kind: 'comparisonFailed', message: 'The server did not answer. The log says more.' };
  }
}
