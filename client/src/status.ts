import { Disposable, LanguageStatusSeverity, languages, window, workspace, type Uri } from 'vscode';
import { editorCommands, modelStatusRequest } from '../../server/src/protocol';
import type { Server } from './client';
import { documentSelector, isConfig, isModelText } from './documents';

/** The server hears of a change when we do; what it is asked in the same breath could be answered as before. */
const settleDelay = 200;

/** Language status: what the active model takes on which device, and whether the server runs. */
export function registerStatus(server: Server): Disposable {
  const energy = languages.createLanguageStatusItem('greenAi.energy', documentSelector);
  energy.name = 'Green AI: Energy';
  energy.command = { title: 'Choose Device', command: editorCommands.chooseDevice };
  const health = languages.createLanguageStatusItem('greenAi.server', documentSelector);
  health.name = 'Green AI: Server';

  let turn = 0;
  const showEnergy = async (): Promise<void> => {
    const uri = activeModel();
    const mine = ++turn;
    if (!uri || server.state() !== 'running') {
      energy.text = 'Green AI';
      energy.detail = '';
      energy.busy = false;
      return;
    }
    energy.busy = true;
    const status = await server
      .request(modelStatusRequest, { uri: uri.toString() })
      .catch(() => null);
    if (mine !== turn) return;
    energy.busy = false;
    energy.text = status?.energy ?? 'Energy unknown';
    energy.detail = status?.deviceName ?? '';
  };
  const showHealth = (): void => {
    const state = server.state();
    health.busy = state === 'starting';
    health.text = state === 'stopped' ? 'Green AI has stopped' : 'Green AI';
    health.detail = state === 'starting' ? 'Starting' : '';
    health.severity =
      state === 'stopped' ? LanguageStatusSeverity.Error : LanguageStatusSeverity.Information;
    health.command =
      state === 'stopped'
        ? { title: 'Restart', command: 'greenAi.restartServer' }
        : { title: 'Logs', command: 'greenAi.showLogs' };
  };
  const update = (): void => {
    void showEnergy();
  };
  let timer: NodeJS.Timeout | undefined;
  const updateSoon = (): void => {
    clearTimeout(timer);
    timer = setTimeout(update, settleDelay);
  };
  showHealth();
  update();
  return Disposable.from(
    energy,
    health,
    new Disposable(() => {
      clearTimeout(timer);
    }),
    window.onDidChangeActiveTextEditor(update),
    workspace.onDidSaveTextDocument(updateSoon),
    workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration('greenAi')) updateSoon();
    }),
    server.onDidChangeState(() => {
      showHealth();
      update();
    }),
  );
}

function activeModel(): Uri | null {
  const uri = window.activeTextEditor?.document.uri;
  return uri && (isModelText(uri) || isConfig(uri)) ? uri : null;
}
