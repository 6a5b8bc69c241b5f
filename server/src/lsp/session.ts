import { createActions, type Actions } from './actions';
import type { ClientFeatures } from './client';
import { createDigester, type Digester } from './digester';
import { createDocuments, type Documents } from './documents';
import { createDrafts, type Drafts } from './drafts';
import { createEstimates, type Estimates } from './estimates';
import { createExternalFiles, type ExternalFiles } from './external-files';
import type { ServerHost } from './host';
import { createJobs, type Jobs } from './jobs';
import { createLinter, type Linter } from './linter';
import { createModels, type Models } from './models';
import { createReports, type Reports } from './reports';
import { describeError } from './safe';
import { createScanner, type Scanner } from './scan';
import { createSettingsService, type SettingsService } from './settings';
import { createWorkspacePull, type WorkspacePull } from './workspace-pull';

/** The parts of the server, put together for one client. */
export interface Session {
  readonly client: ClientFeatures;
  readonly documents: Documents;
  readonly settings: SettingsService;
  readonly models: Models;
  readonly drafts: Drafts;
  readonly reports: Reports;
  readonly digester: Digester;
  readonly external: ExternalFiles;
  readonly linter: Linter;
  readonly scanner: Scanner;
  readonly pull: WorkspacePull;
  readonly actions: Actions;
  readonly estimates: Estimates;
  readonly jobs: Jobs;
  isTrusted: boolean;
}

export interface SessionOptions {
  readonly host: ServerHost;
  readonly client: ClientFeatures;
  readonly fetchSettings: (scopeUri: string | null) => Promise<unknown>;
}

export function createSession({ host, client, fetchSettings }: SessionOptions): Session {
  const documents = createDocuments();
  const settings = createSettingsService({
    host,
    fetch: fetchSettings,
    openText: (uri) => documents.get(uri)?.text?.getText() ?? null,
  });
  const models = createModels(host, settings);
  const drafts = createDrafts(documents, settings);
  const reports = createReports();
  const digester = createDigester(host);
  const external = createExternalFiles();
  const { ruleUri } = host;
  const options = { ruleUri, hasEditorCommands: client.hasEditorCommands };
  const linter = createLinter({
    host,
    documents,
    settings,
    models,
    drafts,
    reports,
    digester,
    external,
    options,
  });
  const scanner = createScanner(
    (uri) => linter.visit(uri),
    (uri, error) => {
      host.log(`${uri} was not linted: ${describeError(error)}`);
    },
  );
  const session: Session = {
    client,
    documents,
    settings,
    models,
    drafts,
    reports,
    digester,
    external,
    linter,
    scanner,
    pull: createWorkspacePull({
      reports,
      isScanning: () => scanner.isBusy,
      versionOf: (uri) => documents.get(uri)?.version ?? null,
    }),
    actions: createActions({ host, documents, settings, models, linter, client }),
    estimates: createEstimates(models, linter),
    jobs: createJobs({
      host,
      settings,
      isTrusted: () => session.isTrusted,
      written: (uri) => {
        scanner.add([uri]);
      },
    }),
    isTrusted: client.isTrusted,
  };
  return session;
}
