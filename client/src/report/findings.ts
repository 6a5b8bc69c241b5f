import type { ReportFinding, ReportFix } from '../../../server/src/protocol';
import type { ViewContext } from './context';
import { element, icon, sentence } from './dom';
import { counted } from './figures';
import { visibleText } from './text';

type Severity = ReportFinding['severity'];

const severityNouns: Readonly<Record<Severity, string>> = {
  error: 'error',
  warning: 'warning',
  info: 'suggestion',
  hint: 'hint',
};

const severityOrder: readonly Severity[] = ['error', 'warning', 'info', 'hint'];

const safetyTexts: Readonly<Record<ReportFix['safety'], { label: string; title: string }>> = {
  safe: { label: 'safe', title: 'Results stay the same to the bit.' },
  'needs-verification': {
    label: 'will be verified',
    title: 'Written to a new file, measured in ONNX Runtime, and dropped when it loses too much.',
  },
  lossy: { label: 'lossy', title: 'Changes what the model computes.' },
};

/** What the rules say, the most severe first, with what can be done about it. */
export function findings(context: ViewContext): HTMLElement {
  const { report, refusal } = context;
  const groups = severityOrder
    .map((severity) => ({
      severity,
      members: report.findings.filter((finding) => finding.severity === severity),
    }))
    .filter(({ members }) => members.length > 0);
  const hasFixes = report.findings.some(({ fixes }) => fixes.length > 0);
  return element(
    'section',
    { class: 'findings', attributes: { 'aria-labelledby': 'findings-title' } },
    element('h2', { id: 'findings-title' }, 'Findings'),
    refusal !== null && hasFixes
      ? element('p', { class: 'refusal', id: 'refusal' }, icon('info'), sentence(refusal))
      : null,
    groups.length === 0
      ? element('p', { class: 'state' }, 'No rule has anything to say about this model.')
      : null,
    ...groups.map(({ severity, members }) =>
      element(
        'div',
        { class: `group ${severity}` },
        element('h3', {}, icon(severity), counted(members.length, severityNouns[severity])),
        element(
          'ul',
          { class: 'plain' },
          ...members.map((finding) =>
            findingItem(finding, report.findings.indexOf(finding), context),
          ),
        ),
      ),
    ),
  );
}

function findingItem(finding: ReportFinding, index: number, context: ViewContext): HTMLElement {
  const { line } = finding;
  return element(
    'li',
    { class: 'finding' },
    element('p', { class: 'message' }, sentence(finding.message)),
    element(
      'p',
      { class: 'origin' },
      ruleLink(finding, index, context),
      line === null
        ? null
        : element(
            'button',
            {
              id: `line-${index}`,
              class: 'link',
              attributes: { type: 'button' },
              onClick() {
                context.send({ kind: 'openText', line });
              },
            },
            `line ${(line + 1).toLocaleString('en')}`,
          ),
    ),
    finding.fixes.length === 0
      ? null
      : element(
          'div',
          { class: 'fixes' },
          ...finding.fixes.map((fix, at) => fixButton(fix, `fix-${index}-${at}`, context)),
        ),
  );
}

/** The rule's page opens outside; ids of problems have none. */
function ruleLink(
  { ruleId, helpUri }: ReportFinding,
  index: number,
  { send }: ViewContext,
): HTMLElement {
  const name = visibleText(ruleId, 60);
  if (helpUri === null) return element('span', { class: 'rule' }, name);
  return element(
    'button',
    {
      id: `help-${index}`,
      class: 'link',
      title: `About the rule ${name}`,
      attributes: { type: 'button', role: 'link' },
      onClick() {
        send({ kind: 'openHelp', uri: helpUri });
      },
    },
    name,
  );
}

function fixButton(fix: ReportFix, id: string, context: ViewContext): HTMLElement {
  const { label, title } = safetyTexts[fix.safety];
  const { refusal, isBusy, send } = context;
  const isOff = refusal !== null || isBusy;
  return element(
    'button',
    {
      id,
      class: `button ${fix.safety === 'safe' ? 'primary' : 'secondary'} fix`,
      title: refusal === null ? title : visibleText(refusal, 200),
      // Not `disabled`: it stays where Tab and screen readers find the reason.
      attributes: {
        type: 'button',
        ...(isOff && { 'aria-disabled': 'true' }),
        ...(refusal !== null && { 'aria-describedby': 'refusal' }),
      },
      onClick() {
        if (!isOff) send({ kind: 'runRecipe', recipe: fix.recipe });
      },
    },
    element('bdi', { class: 'fix-title' }, visibleText(fix.title, 120)),
    element('span', { class: `safety ${fix.safety}` }, label),
  );
}
