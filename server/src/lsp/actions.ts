import path from 'node:path';
import {
  CodeActionKind,
  type CodeAction,
  type CodeActionParams,
  type Command,
  type Diagnostic,
  type Range,
  type WorkspaceEdit,
} from 'vscode-languageserver';
import { TextDocument } from 'vscode-languageserver-textdocument';
import * as v from 'valibot';
import type { Finding, Fix, TextEdit } from '../core/finding';
import { ruleById } from '../core/rules/index';
import { settingsFileName } from '../core/settings';
import { editorCommands } from '../protocol';
import { optimizeCommand } from './commands';
import type { ClientFeatures } from './client';
import { readDocument } from './configs';
import { editsInDocument, rangeInDocument, rangeOfPlaced, summaryCode } from './convert';
import type { Documents } from './documents';
import type { Linter } from './linter';
import type { ServerHost } from './host';
import type { Models } from './models';
import type { FileSettings, SettingsService } from './settings';
import { disableRule, emptySettings, globOf, ignoreFile } from './settings-edit';
import { kindOf, normalized, pathOf, textAddressOf, uriOf } from './uris';

/** Fixes of a document that keep what it means; run on save by those who ask for it. */
export const fixAllKind = `${CodeActionKind.SourceFixAll}.greenAi`;

export interface Actions {
  list(params: CodeActionParams): Promise<CodeAction[]>;
  /** Fills in the edit of an action. */
  readonly resolve: (action: CodeAction) => Promise<CodeAction>;
}

export interface ActionParts {
  readonly host: ServerHost;
  readonly documents: Documents;
  readonly settings: SettingsService;
  readonly models: Models;
  readonly linter: Linter;
  readonly client: ClientFeatures;
}

/** Which edit an action stands for: kept in the action until the edit is asked for. */
const pendingSchema = v.variant('kind', [
  v.object({
    kind: v.literal('fix'),
    uri: v.string(),
    version: v.nullable(v.number()),
    ruleId: v.string(),
    fixId: v.string(),
    start: v.number(),
  }),
  v.object({ kind: v.literal('fix-all'), uri: v.string() }),
  v.object({ kind: v.literal('disable-rule'), uri: v.string(), ruleId: v.string() }),
  v.object({ kind: v.literal('ignore-file'), uri: v.string() }),
]);
type Pending = v.InferOutput<typeof pendingSchema>;

/** A finding with where it is shown. */
interface Shown {
  readonly finding: Finding;
  readonly range: Range;
}

export function createActions(parts: ActionParts): Actions {
  const { client } = parts;
  const withEdit = async (action: CodeAction): Promise<CodeAction> => {
    const pending = v.safeParse(pendingSchema, action.data);
    const edit = pending.success ? await editOf(parts, pending.output) : null;
    return edit ? { ...action, edit } : action;
  };
  return {
    resolve: withEdit,
    list: async (params) => {
      const found = await listActions(parts, params);
      if (client.resolvesEdits) return found;
      const complete = await Promise.all(found.map(withEdit));
      return complete.filter(({ edit, command }) => edit !== undefined || command !== undefined);
    },
  };
}

async function listActions(parts: ActionParts, params: CodeActionParams): Promise<CodeAction[]> {
  const { textDocument, range, context } = params;
  const uri = normalized(textDocument.uri);
  const wants = (kind: string): boolean =>
    context.only?.some((only) => kind === only || kind.startsWith(`${only}.`)) ?? true;
  const kind = kindOf(uri);
  if (kind === 'text') {
    const address = textAddressOf(uri);
    if (!address || !wants(CodeActionKind.QuickFix)) return [];
    const view = await parts.models.open(address.modelUri);
    const shown = view.findings
      .filter(({ place }) => place.part === address.part)
      .map((placed) => ({ finding: placed.finding, range: rangeOfPlaced(placed) }))
      .filter((one) => touches(one.range, range));
    return shown.flatMap((one) => [
      ...one.finding.fixes.flatMap((fix) => recipeAction(parts, view.uri, one, fix, context)),
      ...settingsActions(parts, view.uri, view.settings, one, context),
    ]);
  }
  if (kind !== 'config' && kind !== 'settings') return [];
  const linted = await parts.linter.lintedText(uri);
  if (!linted) return [];
  const all = linted.findings.map((finding) => ({
    finding,
    range: rangeInDocument(finding, linted.document),
  }));
  const version = parts.documents.get(uri)?.version ?? null;
  const shown = wants(CodeActionKind.QuickFix)
    ? all.filter((one) => touches(one.range, range))
    : [];
  return [
    ...shown.flatMap((one) => [
      ...editActions(one, { uri: textDocument.uri, version }, context),
      ...(kind === 'config' ? settingsActions(parts, uri, linted.settings, one, context) : []),
    ]),
    ...(wants(fixAllKind) && safeEdits(linted.findings).length > 0
      ? [fixAllAction(textDocument.uri)]
      : []),
  ];
}

interface Target {
  readonly uri: string;
  readonly version: number | null;
}

/** The first fix is the one that `Auto Fix` applies. */
function editActions(
  shown: Shown,
  { uri, version }: Target,
  context: CodeActionParams['context'],
): CodeAction[] {
  const { finding } = shown;
  const edits = finding.fixes.filter(({ change }) => change.kind === 'edit');
  return edits.map((fix, index) => ({
    title: fix.title,
    kind: CodeActionKind.QuickFix,
    diagnostics: diagnosticsOf(shown, context),
    isPreferred: index === 0,
    data: {
      kind: 'fix',
      uri,
      version,
      ruleId: finding.ruleId,
      fixId: fix.id,
      start: finding.anchor.kind === 'text' ? finding.anchor.start : 0,
    } satisfies Pending,
  }));
}

/** What writes a new model is a command; only what keeps every result is preferred. */
function recipeAction(
  { client }: ActionParts,
  modelUri: string,
  shown: Shown,
  { title, safety, change }: Fix,
  context: CodeActionParams['context'],
): CodeAction[] {
  if (change.kind !== 'recipe') return [];
  const command: Command = {
    title,
    command: client.hasEditorCommands ? editorCommands.optimize : optimizeCommand,
    arguments: [modelUri, change.recipe],
  };
  return [
    {
      title: safety === 'safe' ? title : `${title}…`,
      kind: CodeActionKind.QuickFix,
      diagnostics: diagnosticsOf(shown, context),
      isPreferred: safety === 'safe',
      command,
    },
  ];
}

/** Only where the client can edit or make `green-ai.json`. */
function settingsActions(
  { client }: ActionParts,
  uri: string,
  { settingsPath, folderUri }: FileSettings,
  shown: Shown,
  context: CodeActionParams['context'],
): CodeAction[] {
  const isWritable = settingsPath !== null || (client.createsFiles && client.versionsEdits);
  if (!isWritable || pathOf(uri) === null || (settingsPath === null && folderUri === null))
    return [];
  const action = (title: string, data: Pending): CodeAction => ({
    title,
    kind: CodeActionKind.QuickFix,
    diagnostics: diagnosticsOf(shown, context),
    data,
  });
  const { ruleId } = shown.finding;
  return [
    ...(ruleById(ruleId)
      ? [
          action(`Disable rule ${ruleId} in this project`, {
            kind: 'disable-rule',
            uri,
            ruleId,
          }),
        ]
      : []),
    action('Leave this file out of linting', { kind: 'ignore-file', uri }),
  ];
}

function fixAllAction(uri: string): CodeAction {
  return {
    title: 'Apply all safe Green AI fixes',
    kind: fixAllKind,
    data: { kind: 'fix-all', uri } satisfies Pending,
  };
}

function diagnosticsOf(
  { finding, range }: Shown,
  { diagnostics }: CodeActionParams['context'],
): Diagnostic[] {
  return diagnostics.filter(
    ({ code, range: other }) =>
      code === finding.ruleId && code !== summaryCode && touches(range, other),
  );
}

function touches(a: Range, b: Range): boolean {
  return !isBefore(a.end, b.start) && !isBefore(b.end, a.start);
}

function isBefore(a: Range['start'], b: Range['start']): boolean {
  return a.line < b.line || (a.line === b.line && a.character < b.character);
}

/** Edits of all safe fixes that do not get in each other's way. */
export function safeEdits(findings: readonly Finding[]): readonly TextEdit[] {
  const chosen: TextEdit[] = [];
  for (const { fixes } of findings) {
    const [fix] = fixes;
    if (fix?.safety !== 'safe' || fix.change.kind !== 'edit') continue;
    const { edits } = fix.change;
    const isFree = edits.every(({ start, end }) =>
      chosen.every((other) => end < other.start || start > other.end),
    );
    if (isFree) chosen.push(...edits);
  }
  return chosen.sort((a, b) => a.start - b.start);
}

async function editOf(parts: ActionParts, pending: Pending): Promise<WorkspaceEdit | null> {
  switch (pending.kind) {
    case 'fix':
    case 'fix-all':
      return documentEdit(parts, pending);
    case 'disable-rule':
    case 'ignore-file':
      return settingsEdit(parts, pending);
  }
}

async function documentEdit(
  { documents, linter, client }: ActionParts,
  pending: Extract<Pending, { kind: 'fix' | 'fix-all' }>,
): Promise<WorkspaceEdit | null> {
  const linted = await linter.lintedText(pending.uri);
  if (!linted) return null;
  const version = documents.get(pending.uri)?.version ?? null;
  // The text went on since the action was offered: what it said then may be wrong now.
  if (pending.kind === 'fix' && pending.version !== version) return null;
  const edits =
    pending.kind === 'fix-all' ? safeEdits(linted.findings) : fixEdits(linted.findings, pending);
  if (edits.length === 0) return null;
  return asWorkspaceEdit(client, pending.uri, version, editsInDocument(edits, linted.document));
}

function fixEdits(
  findings: readonly Finding[],
  { ruleId, fixId, start }: Extract<Pending, { kind: 'fix' }>,
): readonly TextEdit[] {
  const finding = findings.find(
    ({ ruleId: id, anchor }) => id === ruleId && anchor.kind === 'text' && anchor.start === start,
  );
  const fix = finding?.fixes.find(({ id }) => id === fixId);
  return fix?.change.kind === 'edit' ? fix.change.edits : [];
}

function asWorkspaceEdit(
  client: ClientFeatures,
  uri: string,
  version: number | null,
  edits: ReturnType<typeof editsInDocument>,
): WorkspaceEdit {
  return client.versionsEdits
    ? { documentChanges: [{ textDocument: { uri, version }, edits }] }
    : { changes: { [uri]: edits } };
}

/** Changes the nearest `green-ai.json`, or makes one in the workspace folder. */
async function settingsEdit(
  { host, documents, settings, client }: ActionParts,
  pending: Extract<Pending, { kind: 'disable-rule' | 'ignore-file' }>,
): Promise<WorkspaceEdit | null> {
  const { settingsPath, folderUri } = await settings.of(pending.uri);
  const file = pathOf(pending.uri);
  const folder = folderUri === null ? null : pathOf(folderUri);
  const target = settingsPath ?? (folder === null ? null : path.join(folder, settingsFileName));
  if (target === null || file === null) return null;
  const uri = uriOf(target);
  const isNew = settingsPath === null;
  const document = isNew
    ? TextDocument.create(uri, 'json', 0, emptySettings)
    : (documents.get(uri)?.text ?? (await readDocument(host, uri)));
  if (!document) return null;
  const edits =
    pending.kind === 'disable-rule'
      ? disableRule(document.getText(), pending.ruleId)
      : ignoreFile(document.getText(), globOf(path.relative(path.dirname(target), file)));
  if (!edits) return null;
  const inDocument = editsInDocument(edits, document);
  const version = documents.get(uri)?.version ?? null;
  if (!client.versionsEdits) return { changes: { [uri]: inDocument } };
  const label =
    pending.kind === 'disable-rule'
      ? `Disable ${pending.ruleId} in ${settingsFileName}`
      : `Add the file to "ignore" in ${settingsFileName}`;
  return annotated(client, label, {
    uri,
    version,
    edits: isNew
      ? [
          {
            range: { start: { line: 0, character: 0 }, end: { line: 0, character: 0 } },
            newText: TextDocument.applyEdits(document, inDocument),
          },
        ]
      : inDocument,
    isNew,
  });
}

interface FileChange {
  readonly uri: string;
  readonly version: number | null;
  readonly edits: ReturnType<typeof editsInDocument>;
  readonly isNew: boolean;
}

/** Another file than the open one is changed: the editor can say so and show it first. */
function annotated(
  client: ClientFeatures,
  label: string,
  { uri, version, edits, isNew }: FileChange,
): WorkspaceEdit {
  const annotationId = 'green-ai-settings';
  const marked = client.annotatesEdits ? edits.map((edit) => ({ ...edit, annotationId })) : edits;
  return {
    documentChanges: [
      ...(isNew
        ? [
            {
              kind: 'create' as const,
              uri,
              options: { ignoreIfExists: true },
              ...(client.annotatesEdits && { annotationId }),
            },
          ]
        : []),
      { textDocument: { uri, version }, edits: marked },
    ],
    ...(client.annotatesEdits && {
      changeAnnotations: { [annotationId]: { label, needsConfirmation: false } },
    }),
  };
}
