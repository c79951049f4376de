/** A result as a table, as JSON, as a plan. */
import { useMemo } from 'preact/hooks';
import { stringifyExact } from '../api/json.ts';
import type { Plan, Result } from '../api/types.ts';
import { number, t } from '../i18n/index.ts';
import { VirtualList } from '../ui/virtual.tsx';
import { valueText } from './values.ts';

const ROW_HEIGHT = 30;
const LINE_HEIGHT = 20;
const INDEX_WIDTH = 64;
const SAMPLE_ROWS = 100;
const CELL_CHARS_MAX = 400;

/** Pixels of a character: digits are monospaced, and none may be cut off; names stand in bold. */
const CELL_CHAR = 8;
const HEAD_CHAR = 9.4;
const PADDING = 24;

/** Widths by the texts of the first rows. Chinese characters count twice. */
function widths({ columns, rows }: Result): number[] {
  const chars = (text: string): number => [...text.slice(0, 60)].reduce((sum, char) => sum + (char.charCodeAt(0) > 0x2e80 ? 2 : 1), 0);
  return columns.map((name, i) => {
    const longest = rows.slice(0, SAMPLE_ROWS).reduce((most, row) => Math.max(most, chars(valueText(row[i]))), 0);
    return Math.min(460, Math.max(80, longest * CELL_CHAR + PADDING, chars(name) * HEAD_CHAR + PADDING));
  });
}

const isNumber = (value: unknown): boolean => typeof value === 'number' || typeof value === 'bigint';

/** A name stands where the values under it do: to the right over numbers. */
function headKind({ rows }: Result, column: number): string {
  return isNumber(rows.slice(0, SAMPLE_ROWS).find((row) => row[column] !== null)?.[column]) ? 'right' : '';
}

function Cell({ value, width }: { readonly value: unknown; readonly width: number }) {
  const kind = value === null ? 'null' : isNumber(value) ? 'num' : '';
  const text = valueText(value);
  return <div class={kind} style={{ width: `${width}px` }} title={text.length > 30 ? text.slice(0, 2000) : undefined}>{text.slice(0, CELL_CHARS_MAX)}</div>;
}

export function TableView({ result }: { readonly result: Result }) {
  const sizes = useMemo(() => widths(result), [result]);
  const width = sizes.reduce((sum, one) => sum + one, INDEX_WIDTH);
  return (
    <VirtualList
      count={result.rows.length} rowHeight={ROW_HEIGHT} width={width} class="table-view"
      head={<div class="vrow head"><div class="index" style={{ width: `${INDEX_WIDTH}px` }}>#</div>{result.columns.map((name, i) => <div key={i} class={headKind(result, i)} style={{ width: `${sizes[i]}px` }} title={name}>{name}</div>)}</div>}
      row={(i) => (
        <div key={i} class="vrow" style={{ minWidth: `${width}px` }}>
          <div class="index" style={{ width: `${INDEX_WIDTH}px` }}>{i + 1}</div>
          {result.rows[i]!.map((value, column) => <Cell key={column} value={value} width={sizes[column]!} />)}
        </div>
      )}
    />
  );
}

const JSON_ROWS_MAX = 5000;

export function jsonText({ columns, rows }: Pick<Result, 'columns' | 'rows'>): string {
  return stringifyExact(rows.map((row) => Object.fromEntries(columns.map((name, i) => [name, row[i]]))), '  ');
}

export function JsonView({ result }: { readonly result: Result }) {
  const lines = useMemo(() => jsonText({ columns: result.columns, rows: result.rows.slice(0, JSON_ROWS_MAX) }).split('\n'), [result]);
  return (
    <VirtualList count={lines.length} rowHeight={LINE_HEIGHT} row={(i) => <div key={i} class="json-line">{lines[i]!.slice(0, 2000)}</div>} class="json-view" />
  );
}

function most(plan: Plan, of: (one: Plan) => number): number {
  return Math.max(of(plan), ...plan.children.map((child) => most(child, of)));
}

function PlanNode({ plan, rowsMost, timeMost }: { readonly plan: Plan; readonly rowsMost: number; readonly timeMost: number }) {
  const share = plan.timeMs !== undefined && timeMost > 0 ? plan.timeMs / timeMost : (plan.rows ?? plan.estimatedRows) / Math.max(1, rowsMost);
  return (
    <li>
      <div class="plan-node">
        <strong>{plan.operator}</strong>
        <span class="mono soft">{plan.details}</span>
        <span class="bar" style={{ width: `${Math.round(share * 120)}px` }} />
        {plan.rows !== undefined && <span>{t('planRows', { n: number(plan.rows) })}</span>}
        <span class="soft">{t('planEstimated', { n: number(Math.round(plan.estimatedRows)) })}</span>
        {plan.dbHits !== undefined && <span>{t('planHits', { n: number(plan.dbHits) })}</span>}
        {plan.timeMs !== undefined && <span>{plan.timeMs.toFixed(2)} ms</span>}
      </div>
      {plan.children.length > 0 && <ul>{plan.children.map((child, i) => <PlanNode key={i} plan={child} rowsMost={rowsMost} timeMost={timeMost} />)}</ul>}
    </li>
  );
}

export function PlanView({ plan }: { readonly plan: Plan | null }) {
  if (plan === null) return <p class="pad soft">{t('planNone')}</p>;
  const rowsMost = most(plan, (one) => one.rows ?? one.estimatedRows);
  return <div class="plan" data-testid="plan"><ul><PlanNode plan={plan} rowsMost={rowsMost} timeMost={most(plan, (one) => one.timeMs ?? 0)} /></ul></div>;
}
