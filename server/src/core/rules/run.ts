import type { Analysis } from '../analysis';
import type { ConfigAnalysis } from '../config/config';
import type { ConfigProblem } from '../config/tree';
import { severities } from '../finding';
import type { Anchor, Finding, Severity } from '../finding';
import { messageNaming, withinMessageLength } from '../format';
import type { Problem } from '../problem';
import type { Settings } from '../settings';
import { rules as allRules } from './index';
import { optionValues } from './rule';
import type { ConfigRule, ModelRule, Report, Rule } from './rule';

/** Findings of the ONNX rules and of reading the file, the most severe first. Never throws. */
export function runModelRules(
  analysis: Analysis,
  settings: Settings,
  rules: readonly Rule[] = allRules,
): readonly Finding[] {
  const { device } = settings;
  const own = rules.filter((rule): rule is ModelRule => rule.target === 'onnx');
  return sorted([
    ...problemFindings(analysis.problems, modelAnchors(analysis)),
    ...own.flatMap((rule) =>
      findingsOf(rule, settings, (options) => rule.check({ analysis, device, options })),
    ),
  ]);
}

/** Findings of the config rules and of reading the file, the most severe first. Never throws. */
export function runConfigRules(
  config: ConfigAnalysis,
  settings: Settings,
  rules: readonly Rule[] = allRules,
): readonly Finding[] {
  const { device } = settings;
  const own = rules.filter((rule): rule is ConfigRule => rule.target === 'hf-config');
  return sorted([
    ...problemFindings(config.problems, textAnchor),
    ...own.flatMap((rule) =>
      findingsOf(rule, settings, (options) => rule.check({ config, device, options })),
    ),
  ]);
}

/** What was wrong with an input, as findings under the problem's code. `anchorOf` says where a problem is. */
export function problemFindings<P extends Problem>(
  problems: readonly P[],
  anchorOf: (problem: P) => Anchor = () => ({ kind: 'file' }),
): readonly Finding[] {
  return problems.map((problem) => {
    const { code: ruleId, severity, message } = problem;
    const within = withinMessageLength(message);
    return { ruleId, severity, message: within, anchor: anchorOf(problem), fixes: [] };
  });
}

/** Where a problem of a config or of settings is. */
export function textAnchor({ start, end }: ConfigProblem): Anchor {
  return { kind: 'text', start, end };
}

/** A rule that throws is a bug of ours: it costs its own findings, and says so. */
function findingsOf(
  rule: Rule,
  settings: Settings,
  check: (options: ReadonlyMap<string, number>) => readonly Report[],
): readonly Finding[] {
  const { id, severity: defaultLevel } = rule.meta;
  const setting = settings.rules.get(id);
  const level = setting?.level ?? defaultLevel;
  if (level === 'off') return [];
  try {
    const reports = check(setting?.options ?? optionValues(rule.meta));
    return reports.map((report) => toFinding(id, level, report));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return problemFindings([
      {
        code: 'rule-crashed',
        severity: 'warning',
        message: messageNaming(
          reason,
          (shown) => `Rule ${id} failed, its findings are missing: ${shown}. Please report it.`,
        ),
      },
    ]);
  }
}

function toFinding(ruleId: string, severity: Severity, report: Report): Finding {
  const { message, detail, anchor, saving, fixes = [] } = report;
  return {
    ruleId,
    severity,
    message: withinMessageLength(message),
    anchor,
    fixes,
    ...(detail === undefined ? {} : { detail }),
    ...(saving === undefined ? {} : { saving }),
  };
}

/** By severity, then id; a rule's own order stays. So the order of the table of rules does not matter. */
function sorted(findings: readonly Finding[]): readonly Finding[] {
  return [...findings].sort(
    (left, right) =>
      severities.indexOf(left.severity) - severities.indexOf(right.severity) ||
      (left.ruleId < right.ruleId ? -1 : left.ruleId > right.ruleId ? 1 : 0),
  );
}

/** Problems name nodes by path and tensors by name; anything else (an offset) belongs to the file. */
function modelAnchors({ problems, model, facts }: Analysis): (problem: Problem) => Anchor {
  if (!problems.some(({ where }) => where !== undefined)) return () => ({ kind: 'file' });
  const paths = new Set(facts.nodes.map((node) => node.path));
  // Functions are checked where they are defined, also those that nobody calls.
  for (const { nodes } of model.functions) for (const node of nodes) paths.add(node.path);
  return ({ where = '' }) => {
    if (paths.has(where)) return { kind: 'node', path: where };
    if (model.graph.initializerByName.has(where)) return { kind: 'tensor', name: where };
    return { kind: 'file' };
  };
}
