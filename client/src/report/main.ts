import { formatJoules, type DeviceChoice, type ModelReport } from '../../../server/src/protocol';
import { chosenDevices } from './comparison';
import { firstSettings, type ViewContext, type ViewSettings } from './context';
import { element, icon, nameElement } from './dom';
import { estimateSection } from './estimate';
import { sortKeys } from './figures';
import { findings } from './findings';
import { button, header } from './header';
import { layers } from './layers';
import type { HostMessage, ViewMessage } from './messages';
import { notes } from './notes';
import { visibleText } from './text';
import { totals } from './totals';
import { variants } from './variants';

/** What VS Code gives to the page of a webview. */
interface VsCodeApi {
  postMessage(message: ViewMessage): void;
  getState(): unknown;
  setState(state: ViewSettings): void;
}
declare function acquireVsCodeApi(): VsCodeApi;

const vscode = acquireVsCodeApi();

/** Everything that changes what is shown; replaced, then shown again. */
let report: ModelReport | null = null;
let failure: string | null = null;
let devices: readonly DeviceChoice[] = [];
let comparison: ViewContext['comparison'] = null;
let awaitedComparisons = 0;
let refusal: string | null = null;
let busyText: string | null = null;
let settings = storedSettings(vscode.getState());

window.addEventListener('message', ({ data }: MessageEvent<HostMessage>) => {
  receive(data);
});
send({ kind: 'ready' });

function receive(message: HostMessage): void {
  switch (message.kind) {
    case 'report': {
      const isNew = report?.estimate?.device !== message.report.estimate?.device;
      report = message.report;
      failure = null;
      if (isNew) announceEnergy(report);
      break;
    }
    case 'failed':
      failure = message.message;
      break;
    case 'busy':
      setBusy(message.text);
      break;
    case 'devices':
      devices = message.devices;
      break;
    case 'comparison':
      receiveComparison(message.estimates);
      announce(`${message.estimates.length} devices compared`);
      break;
    case 'comparisonFailed':
      receiveComparison({ failure: message.message });
      break;
    case 'access':
      refusal = message.refusal;
      break;
  }
  show();
}

/** One that nobody here asked for comes from the command, and is opened; others may have been closed meanwhile. */
function receiveComparison(received: ViewContext['comparison']): void {
  comparison = received;
  if (awaitedComparisons > 0) awaitedComparisons--;
  else settings = { ...settings, compared: chosenDevices };
}

function send(message: ViewMessage): void {
  if (message.kind === 'compareDevices') {
    comparison = null;
    awaitedComparisons++;
  }
  vscode.postMessage(message);
}

/** The end of work is not announced over what came of it. */
function setBusy(text: string | null): void {
  const isStillSaid = document.getElementById('status')?.textContent === busyText;
  if (text !== null || isStillSaid) announce(text ?? '');
  busyText = text;
}

function announce(text: string): void {
  const status = document.getElementById('status');
  if (status) status.textContent = text;
}

function announceEnergy({ estimate }: ModelReport): void {
  if (!estimate?.energyJoules) return;
  announce(`${visibleText(estimate.deviceName)}: ${formatJoules(estimate.energyJoules)} a run`);
}

/** Rebuilds the view; focus, scrolling and what is being typed stay. */
function show(): void {
  const root = document.getElementById('report');
  if (!root) return;
  document.body.classList.toggle('busy', busyText !== null);
  root.setAttribute('aria-busy', String(busyText !== null));
  const content = parts();
  if (!content) return;
  const { activeElement } = document;
  const focused = root.contains(activeElement) ? (activeElement?.id ?? '') : '';
  const selection =
    activeElement instanceof HTMLInputElement
      ? [activeElement.selectionStart, activeElement.selectionEnd]
      : [];
  const { scrollY } = window;
  root.replaceChildren(...content);
  window.scrollTo({ top: scrollY, behavior: 'instant' });
  if (focused === '') return;
  const again = document.getElementById(focused);
  again?.focus({ preventScroll: true });
  const [start = null, end = null] = selection;
  if (again instanceof HTMLInputElement) again.setSelectionRange(start, end);
}

/** Null while there is nothing to show but that it is being read. */
function parts(): Node[] | null {
  if (failure !== null) return [failureState(null, failure)];
  if (!report) return null;
  if (report.failure !== null) return [failureState(report.fileName, report.failure)];
  const context: ViewContext = {
    report,
    devices,
    comparison,
    refusal,
    isBusy: busyText !== null,
    settings,
    remember,
    send,
    announce,
  };
  return [
    header(context),
    totals(context),
    estimateSection(context),
    findings(context),
    layers(context),
    variants(context),
    notes(context),
  ].filter((part) => part !== null);
}

function remember(change: Partial<ViewSettings>): void {
  settings = { ...settings, ...change };
  vscode.setState(settings);
  // The other parts show their changes themselves.
  if ('compared' in change || 'sort' in change) show();
}

function failureState(fileName: string | null, text: string): HTMLElement {
  return element(
    'div',
    { class: 'failure', attributes: { role: 'alert' } },
    icon('error'),
    element(
      'div',
      {},
      fileName === null ? null : element('h1', {}, nameElement(fileName)),
      element('p', {}, element('bdi', {}, visibleText(text, 600))),
      button('reload', 'Try again', () => {
        send({ kind: 'reload' });
      }),
    ),
  );
}

/** What an earlier page stored; anything that is not of today's form is as if never set. */
function storedSettings(stored: unknown): ViewSettings {
  if (typeof stored !== 'object' || stored === null) return firstSettings;
  const { filter, showsAllLayers, showsNotes, sort } = stored as Readonly<Record<string, unknown>>;
  return {
    filter: typeof filter === 'string' ? filter : firstSettings.filter,
    showsAllLayers: showsAllLayers === true,
    showsNotes: showsNotes === true,
    // A comparison is not asked for again unasked.
    compared: null,
    sort: sortKeys.find((key) => key === sort) ?? firstSettings.sort,
  };
}
