/** One result under its views. */
import type { ComponentType } from 'preact';
import { useEffect, useMemo, useState } from 'preact/hooks';
import type { Result } from '../api/types.ts';
import { number, t } from '../i18n/index.ts';
import { toast } from '../ui/toast.tsx';
import { elementsOf } from './graph-model.ts';
import type { Elements } from './graph-model.ts';
import { jsonText, JsonView, PlanView, TableView } from './result-views.tsx';
import { csvText, download } from './values.ts';

type View = 'graph' | 'table' | 'json' | 'plan';
const NAMES = { graph: 'viewGraph', table: 'viewTable', json: 'viewJson', plan: 'viewPlan' } as const;

/** sigma comes when the first graph is looked at. */
function LaterGraph(props: { readonly elements: Elements; readonly graph: string }) {
  const [Loaded, setLoaded] = useState<ComponentType<typeof props> | undefined>(undefined);
  useEffect(() => void import('./graph-view.tsx').then(({ GraphView }) => setLoaded(() => GraphView)), []);
  return Loaded === undefined ? <p class="pad soft">{t('loading')}</p> : <Loaded {...props} />;
}

function changes(stats: Result['stats']): string {
  const parts = Object.entries(stats ?? {}).filter((entry): entry is [string, number] => typeof entry[1] === 'number' && entry[1] > 0);
  return parts.map(([name, count]) => `${name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)} ${number(count)}`).join(', ');
}

function Downloads({ result }: { readonly result: Result }) {
  return (
    <>
      <button onClick={() => void navigator.clipboard?.writeText(jsonText(result)).then(() => toast(t('copied')))}>{t('copy')}</button>
      <button onClick={() => download('result.csv', 'text/csv', csvText(result.columns, result.rows))}>CSV</button>
      <button onClick={() => download('result.json', 'application/json', jsonText(result))}>JSON</button>
    </>
  );
}

interface ResultProps {
  readonly result: Result;
  readonly graph: string;
  /** Milliseconds from the click to the answer. */
  readonly totalMs: number;
}

export function ResultPanel({ result, graph, totalMs }: ResultProps) {
  const elements = useMemo(() => elementsOf(result), [result]);
  const first: View = result.plan !== null ? 'plan' : elements.nodes.size > 0 ? 'graph' : 'table';
  const [chosen, setChosen] = useState<{ of: Result; view: View } | undefined>(undefined);
  const view = chosen?.of === result ? chosen.view : first;
  const made = changes(result.stats);
  return (
    <>
      <div class="row result-head">
        <div class="tabs" role="tablist">
          {(Object.keys(NAMES) as View[]).map((one) => <button key={one} role="tab" aria-selected={view === one} onClick={() => setChosen({ of: result, view: one })}>{t(NAMES[one])}</button>)}
        </div>
        <span class="soft" data-testid="outcome">{t('outcomeRows', { n: number(result.size), server: (result.elapsed * 1000).toFixed(1), total: Math.round(totalMs), version: number(result.version) })}</span>
        {made !== '' && <span>{t('changesMade', { list: made })}</span>}
        {result.truncated && <span class="pill degraded">{t('truncated', { n: number(result.size) })}</span>}
        <span class="grow" />
        {result.size > 0 && <Downloads result={result} />}
      </div>
      {result.notifications.map((note, i) => <p key={i} class="banner warn"><strong>{note.title}</strong> {note.description}</p>)}
      <div class="result-body">
        {view === 'graph' && (elements.nodes.size + elements.relationships.size > 0 ? <LaterGraph elements={elements} graph={graph} /> : <p class="pad soft">{t('noGraphElements')}</p>)}
        {view === 'table' && (result.size > 0 ? <TableView result={result} /> : <p class="pad soft">{t('noRows')}</p>)}
        {view === 'json' && <JsonView result={result} />}
        {view === 'plan' && <PlanView plan={result.plan} />}
      </div>
    </>
  );
}
