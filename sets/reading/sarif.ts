import * as z from 'zod';
import { type Severity, severities, severityOf } from '../reasons/severities.ts';
import { chooseNames } from './names.ts';
import { hasField, list, parseReport } from './parse.ts';
import type { Finding, ImageReport } from './report.ts';

const texts = list(z.string());
const message = z.object({ text: z.string().default('') }).optional();
const properties = z
  .object({ tags: texts, 'security-severity': z.union([z.string(), z.number()]).optional() })
  .optional();

const ruleSchema = z.object({ id: z.string(), help: message, properties });
const resultSchema = z.object({ ruleId: z.string(), ruleIndex: z.number().optional(), message });

/**
 * The parts of SARIF that are read. Trivy writes the names of the image into the properties of a run, Grype into the message of
 * each result.
 * @see https://github.com/aquasecurity/trivy/blob/main/pkg/report/sarif.go
 * @see https://github.com/anchore/grype/blob/main/grype/presenter/sarif/presenter.go
 */
const sarifSchema = z.object({
  runs: z.array(
    z.object({
      tool: z.object({ driver: z.object({ name: z.string(), rules: list(ruleSchema) }) }),
      results: list(resultSchema),
      properties: z
        .object({
          imageName: z.string().optional(),
          imageID: z.string().optional(),
          repoTags: texts,
          repoDigests: texts,
        })
        .optional(),
    }),
  ),
});

type Run = z.output<typeof sarifSchema>['runs'][number];
type Rule = z.output<typeof ruleSchema>;
type Result = z.output<typeof resultSchema>;

/** The tags by which Trivy marks results that are no vulnerabilities. */
const otherKinds = ['misconfiguration', 'secret', 'license'];

/** The least CVSS score of each severity, as GitHub reads `security-severity`. */
const scores: readonly (readonly [score: number, severity: Severity])[] = [
  [9, 'CRITICAL'],
  [7, 'HIGH'],
  [4, 'MEDIUM'],
  [0.1, 'LOW'],
];

/** True if a document is SARIF. */
export function isSarif(document: unknown): boolean {
  return hasField(document, 'runs');
}

/** Reads SARIF of Trivy or Grype, one report for each run. Throws if it can't be read, or names no image. */
export function readSarif(document: unknown): readonly ImageReport[] {
  return parseReport(sarifSchema, document).runs.flatMap(readRun);
}

function readRun(run: Run): readonly ImageReport[] {
  const scanner = run.tool.driver.name.toLowerCase();
  // Grype names the image only in results, so a run without any says nothing about any image.
  if (scanner === 'grype' && run.results.length === 0) return [];
  const { imageName, imageID, repoTags = [], repoDigests = [] } = run.properties ?? {};
  const given = imageName ?? imageInMessage(run.results[0]);
  const images = chooseNames({ digests: repoDigests, tags: repoTags, given, id: imageID });
  const rules = new Map(run.tool.driver.rules.map((rule) => [rule.id, rule]));
  const findings = run.results.flatMap((result) => readResult(result, rules.get(result.ruleId)));
  return [{ scanner, images, findings, endOfLife: null }];
}

function imageInMessage(result: Result | undefined): string | undefined {
  return / in image (\S+) at: /.exec(result?.message?.text ?? '')?.[1];
}

function readResult({ ruleId, message }: Result, rule: Rule | undefined): readonly Finding[] {
  if (rule?.properties?.tags.some((tag) => otherKinds.includes(tag))) return [];
  // The message of Trivy is about this result; its rule is about the first result of the same vulnerability.
  const text = [message?.text ?? '', rule?.help?.text ?? ''].find((part) => /^Severity: /m.test(part)) ?? '';
  return [{ id: shortId(ruleId), severity: findSeverity(text, rule), isFixable: findFix(text) }];
}

function findSeverity(text: string, rule: Rule | undefined): Severity {
  const word = /^Severity: *(\w+)/m.exec(text)?.[1];
  const tag = rule?.properties?.tags.find((name) => severities.some((severity) => severity === name));
  if (word !== undefined || tag !== undefined) return severityOf(word ?? tag);
  const score = Number(rule?.properties?.['security-severity'] ?? 0);
  return scores.find(([least]) => score >= least)?.[1] ?? 'UNKNOWN';
}

function findFix(text: string): boolean | undefined {
  const fix = /^Fix(?:ed)? Version: *(.*)$/m.exec(text)?.[1];
  return fix === undefined ? undefined : fix.trim() !== '';
}

/** Grype adds the package to the identifier of the vulnerability. */
function shortId(ruleId: string): string {
  return /^(?:CVE-\d+-\d+|GHSA(?:-[0-9a-z]{4}){3})/i.exec(ruleId)?.[0] ?? ruleId;
}
