/** CSV into a declared label: preview, columns to fields, packages with progress. Each package is one transaction. */
import { useEffect, useState } from 'preact/hooks';
import { request } from '../api/connection.ts';
import { bytes, number, t } from '../i18n/index.ts';
import { eachPackage, guessType, preview } from '../import/csv.ts';
import type { CsvFormat, Preview } from '../import/csv.ts';
import { refreshSchema, schema } from '../state/schema.ts';
import type { Label } from '../state/schema.ts';
import { graphName } from '../state/settings.ts';
import { messageOf } from '../ui/errors.tsx';
import { GraphSelect } from '../ui/graph-select.tsx';
import { tried } from '../ui/toast.tsx';
import { declareLabel } from './declare-label.tsx';

const SKIP = 'SKIP';
const SOURCE = 'SRC_ID';
const TARGET = 'DST_ID';
const MESSAGES_MAX = 200;

interface Plan {
  readonly label: Label;
  /** The field of each column. */
  readonly columns: readonly string[];
  readonly ends: readonly [string, string];
  readonly goOn: boolean;
}

interface Progress {
  readonly state: 'running' | 'done' | 'failed';
  readonly bytesRead: number;
  readonly rows: number;
  readonly skipped: number;
  readonly ms: number;
  readonly messages: readonly string[];
  readonly failure?: string;
}

/** By name; ends by the names people give them, else the first two columns. */
function guessColumns(label: Label, names: readonly string[]): string[] {
  const fields = label.properties.map((field) => field.name);
  const columns: string[] = names.map((name) => fields.find((field) => field.toLowerCase() === name.toLowerCase()) ?? SKIP);
  if (label.kind === 'VERTEX') {
    // One column and one field: whatever they are called.
    if (!columns.some((column) => column !== SKIP) && label.primary !== undefined && names.length === 1) columns[0] = label.primary;
    return columns;
  }
  const free = names.flatMap((_, i) => (columns[i] === SKIP ? [i] : []));
  const source = free.find((i) => /^(src|source|from|start)/i.test(names[i]!)) ?? free[0];
  const target = free.find((i) => i !== source && /^(dst|dest|target|to|end)/i.test(names[i]!)) ?? free.find((i) => i !== source);
  if (source !== undefined) columns[source] = SOURCE;
  if (target !== undefined) columns[target] = TARGET;
  return columns;
}

function missing({ label, columns }: Plan): string[] {
  const needed = label.properties.filter((field) => field.optional !== true).map((field) => field.name);
  return [...needed, ...(label.kind === 'EDGE' ? [SOURCE, TARGET] : [])].filter((name) => !columns.includes(name));
}

/** "… imported, … skipped" at the end of the server's log. */
function readLog(log: string, linesBefore: number): { rows: number; skipped: number; messages: string[] } {
  const lines = log.split('\n');
  const [, rows = '0', skipped = '0'] = /^(\d+) imported, (\d+) skipped$/.exec(lines.pop() ?? '') ?? [];
  return { rows: Number(rows), skipped: Number(skipped), messages: lines.map((line) => shifted(line, linesBefore)) };
}

/** The server counts the lines of its package; people count those of their file. */
function shifted(message: string, linesBefore: number): string {
  return message.replace(/^line (\d+)/, (_, line: string) => `line ${Number(line) + linesBefore}`);
}

async function run(file: File, format: CsvFormat, plan: Plan, show: (progress: Progress) => void): Promise<void> {
  const started = performance.now();
  let now: Progress = { state: 'running', bytesRead: 0, rows: 0, skipped: 0, ms: 0, messages: [] };
  const update = (change: Partial<Progress>): void => {
    now = { ...now, ms: performance.now() - started, ...change };
    show(now);
  };
  update({});
  const used = plan.columns.flatMap((name, i) => (name === SKIP ? [] : [i]));
  const description = {
    files: [{
      label: plan.label.label, format: 'JSON', columns: used.map((i) => plan.columns[i]!),
      ...(plan.label.kind === 'EDGE' ? { [SOURCE]: plan.ends[0], [TARGET]: plan.ends[1] } : {}),
    }],
  };
  const graph = graphName.value;
  let linesBefore = 0;
  try {
    await eachPackage(file, format, async (part) => {
      ({ linesBefore } = part);
      // As lines of JSON: a field may hold line breaks there.
      const data = part.rows.map((row) => JSON.stringify(used.map((i) => (row[i] === undefined || row[i] === '' ? null : row[i])))).join('\n');
      const { log } = await request<{ log: string }>(`/db/${encodeURIComponent(graph)}/import/text`, { body: { description, data, continue_on_error: plan.goOn } });
      const answer = readLog(log, part.linesBefore);
      update({ bytesRead: part.bytesRead, rows: now.rows + answer.rows, skipped: now.skipped + answer.skipped, messages: [...now.messages, ...answer.messages].slice(0, MESSAGES_MAX) });
    });
    update({ state: 'done', bytesRead: file.size });
  } catch (error) {
    update({ state: 'failed', failure: shifted(messageOf(error), linesBefore) });
  }
  await refreshSchema().catch(() => undefined);
}

function FileChoice({ file, onFile }: { readonly file: File | undefined; readonly onFile: (file: File) => void }) {
  const [isOver, setOver] = useState(false);
  const take = (list: FileList | null | undefined): void => {
    if (list?.[0] !== undefined) onFile(list[0]);
  };
  return (
    <label class={`drop${isOver ? ' over' : ''}`} onDragOver={(event) => { event.preventDefault(); setOver(true); }} onDragLeave={() => setOver(false)} onDrop={(event) => { event.preventDefault(); setOver(false); take(event.dataTransfer?.files); }}>
      <input type="file" accept=".csv,.tsv,.txt,text/csv" onChange={(event) => take(event.currentTarget.files)} />
      {file === undefined ? <><strong>{t('chooseFile')}</strong> <span class="soft">{t('orDrop')}</span></> : <><strong>{file.name}</strong> <span class="soft">{bytes(file.size)}</span></>}
    </label>
  );
}

function PreviewTable({ seen }: { readonly seen: Preview }) {
  return (
    <div class="preview card flush scroll"><table class="grid"><thead><tr>{seen.names.map((name, i) => <th key={i}>{name}</th>)}</tr></thead>
      <tbody>{seen.rows.slice(0, 10).map((row, i) => <tr key={i}>{row.map((cell, j) => <td key={j}>{cell.slice(0, 80)}</td>)}</tr>)}</tbody></table></div>
  );
}

interface MappingProps {
  readonly seen: Preview;
  readonly plan: Plan;
  readonly onPlan: (plan: Plan) => void;
}

function Mapping({ seen, plan, onPlan }: MappingProps) {
  const { label } = plan;
  const isEdge = label.kind === 'EDGE';
  const vertices = (schema.value?.labels ?? []).filter((one) => one.kind === 'VERTEX' && one.isDeclared).map((one) => one.label);
  const setEnd = (end: 0 | 1, name: string): void => onPlan({ ...plan, ends: end === 0 ? [name, plan.ends[1]] : [plan.ends[0], name] });
  return (
    <>
      {isEdge && (
        <div class="row">
          {([0, 1] as const).map((end) => (
            <label key={end}>{t(end === 0 ? 'sourceLabel' : 'targetLabel')}<select value={plan.ends[end]} onChange={(event) => setEnd(end, event.currentTarget.value)}>{vertices.map((name) => <option key={name}>{name}</option>)}</select></label>
          ))}
        </div>
      )}
      <table><thead><tr><th>{t('column')}</th><th>{t('toField')}</th></tr></thead><tbody>
        {seen.names.map((name, i) => (
          <tr key={i}>
            <td>{name} <small class="soft">{seen.rows[0]?.[i]?.slice(0, 40)}</small></td>
            <td>
              <select aria-label={name} value={plan.columns[i]} onChange={(event) => onPlan({ ...plan, columns: plan.columns.map((old, j) => (j === i ? event.currentTarget.value : old)) })}>
                <option value={SKIP}>{t('skipColumn')}</option>
                {isEdge && <><option value={SOURCE}>{t('sourceKey', { label: plan.ends[0] })}</option><option value={TARGET}>{t('targetKey', { label: plan.ends[1] })}</option></>}
                {label.properties.map((field) => <option key={field.name} value={field.name}>{field.name} ({field.type})</option>)}
              </select>
            </td>
          </tr>
        ))}
      </tbody></table>
    </>
  );
}

function ProgressView({ file, progress }: { readonly file: File; readonly progress: Progress }) {
  const { state, rows, skipped, ms, messages } = progress;
  return (
    <div class="card" data-testid="import-progress" data-state={state}>
      {state === 'running' && <progress max={file.size} value={progress.bytesRead} />}
      {state === 'failed' && <p class="error" role="alert">{t('importFailed', { message: progress.failure ?? '' })}</p>}
      <p>{state === 'done'
        ? t('importDone', { rows: number(rows), skipped: number(skipped), seconds: (ms / 1000).toFixed(1) })
        : t('importProgress', { done: bytes(progress.bytesRead), total: bytes(file.size), rows: number(rows), skipped: number(skipped), rate: number(Math.round(rows / Math.max(0.001, ms / 1000))) })}</p>
      {messages.length > 0 && <details open><summary>{t('skippedLines')}</summary><pre class="error">{messages.join('\n')}</pre></details>}
    </div>
  );
}

export function ImportPage() {
  const [file, setFile] = useState<File | undefined>(undefined);
  const [format, setFormat] = useState<CsvFormat>({ delimiter: '', hasHeader: true });
  const [seen, setSeen] = useState<Preview | undefined>(undefined);
  const [plan, setPlan] = useState<Plan | undefined>(undefined);
  const [progress, setProgress] = useState<Progress | undefined>(undefined);
  useEffect(() => void tried(refreshSchema), [graphName.value]);
  useEffect(() => {
    setPlan(undefined);
    if (file !== undefined) void tried(async () => setSeen(await preview(file, format)));
  }, [file, format]);

  const labels = (schema.value?.labels ?? []).filter((label) => label.isDeclared);
  const choose = (key: string): void => {
    const label = schema.value?.labels.find((one) => `${one.kind} ${one.label}` === key);
    if (label === undefined || seen === undefined) return setPlan(undefined);
    const vertices = labels.filter((one) => one.kind === 'VERTEX').map((one) => one.label);
    const [from = vertices[0] ?? '', to = vertices[0] ?? ''] = label.constraints?.[0] ?? [];
    setPlan({ label, columns: guessColumns(label, seen.names), ends: [from, to], goOn: plan?.goOn ?? false });
  };
  const declare = (): void => {
    if (seen === undefined || file === undefined) return;
    const fields = seen.names.map((name, i) => ({ name: name.replace(/[^\p{L}\p{N}_]/gu, '_'), type: guessType(seen.rows.map((row) => row[i] ?? '')), optional: i > 0 }));
    const name = file.name.replace(/\.\w+$/, '').replace(/[^\p{L}\p{N}_]/gu, '_');
    declareLabel({ name, fields, primary: fields[0]?.name ?? '' }, (made) => choose(`${schema.value?.labels.find((one) => one.label === made)?.kind} ${made}`));
  };
  const lacking = plan === undefined ? [] : missing(plan);
  return (
    <>
      <div class="row page-head"><h1>{t('importTitle')}</h1><GraphSelect /></div>
      <div class="card">
        <FileChoice file={file} onFile={(next) => { setProgress(undefined); setFile(next); }} />
        {seen !== undefined && file !== undefined && (
          <>
            <div class="row">
              <label class="check"><input type="checkbox" checked={format.hasHeader} onChange={(event) => setFormat({ ...format, hasHeader: event.currentTarget.checked })} />{t('hasHeader')}</label>
              <label class="check">{t('delimiter')}<select value={format.delimiter} onChange={(event) => setFormat({ ...format, delimiter: event.currentTarget.value })}><option value="">{seen.delimiter === '\t' ? '⇥' : seen.delimiter} ({t('captionAuto')})</option>{[',', ';', '|', '\t'].map((one) => <option key={one} value={one}>{one === '\t' ? '⇥' : one}</option>)}</select></label>
            </div>
            <PreviewTable seen={seen} />
            <div class="row bottom">
              <label>{t('intoLabel')}
                <select data-testid="import-label" value={plan === undefined ? '' : `${plan.label.kind} ${plan.label.label}`} onChange={(event) => choose(event.currentTarget.value)}>
                  <option value="">–</option>
                  {labels.map((label) => <option key={`${label.kind} ${label.label}`} value={`${label.kind} ${label.label}`}>{label.kind === 'VERTEX' ? `(${label.label})` : `-[${label.label}]-`}</option>)}
                </select>
              </label>
              <button onClick={declare}>{t('newLabel')}</button>
            </div>
          </>
        )}
        {plan !== undefined && seen !== undefined && file !== undefined && (
          <>
            <Mapping seen={seen} plan={plan} onPlan={setPlan} />
            {lacking.length > 0 && <p class="error">{t('importNeeds', { fields: lacking.join(', ') })}</p>}
            <div class="row">
              <button class="primary" data-testid="import-start" disabled={lacking.length > 0 || progress?.state === 'running'} onClick={() => void run(file, { ...format, delimiter: seen.delimiter }, plan, setProgress)}>{t('startImport')}</button>
              <label class="check"><input type="checkbox" checked={plan.goOn} onChange={(event) => setPlan({ ...plan, goOn: event.currentTarget.checked })} />{t('continueOnError')}</label>
            </div>
          </>
        )}
      </div>
      {progress !== undefined && file !== undefined && <ProgressView file={file} progress={progress} />}
    </>
  );
}
