/** Offers the sample graph while the chosen graph is empty. */
import { signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { cypher } from '../api/cypher.ts';
import { t } from '../i18n/index.ts';
import { go } from '../state/route.ts';
import { graphName } from '../state/settings.ts';
import { ErrorBox } from '../ui/errors.tsx';

const FILES = import.meta.glob('../../../sample/films/*.csv', { query: '?url', import: 'default', eager: true }) as Record<string, string>;

const emptiness = signal<'unknown' | 'empty' | 'full' | 'loaded'>('unknown');
const progress = signal<{ i: number; n: number } | undefined>(undefined);
const failure = signal<unknown>(undefined);

async function look(): Promise<void> {
  try {
    const { rows } = await cypher('CALL dbms.meta.count()', { graph: graphName.value });
    if (emptiness.value !== 'loaded') emptiness.value = rows.every(([, count]) => count === 0) ? 'empty' : 'full';
  } catch {
    emptiness.value = 'unknown';
  }
}

async function rowsOf(file: string): Promise<unknown[]> {
  const { default: Papa } = await import('papaparse');
  return Papa.parse(await (await fetch(FILES[`../../../sample/films/${file}`]!)).text(), { header: true, skipEmptyLines: true }).data;
}

async function load(): Promise<void> {
  failure.value = undefined;
  try {
    const { schema, loads } = (await import('../../../sample/films/load.json')).default;
    const n = schema.length + loads.length;
    const graph = graphName.value;
    let i = 0;
    const step = async (script: string, parameters: Record<string, unknown> = {}): Promise<void> => {
      progress.value = { i: ++i, n };
      await cypher(script, { graph, parameters });
    };
    for (const script of schema) await step(script);
    for (const { file, script } of loads) await step(script, { rows: await rowsOf(file) });
    emptiness.value = 'loaded';
  } catch (error) {
    failure.value = error;
  } finally {
    progress.value = undefined;
  }
}

export function FirstRun() {
  useEffect(() => void look(), [graphName.value]);
  if (emptiness.value === 'loaded') {
    return <div class="card first-run"><p>{t('sampleDone')}</p><button class="primary" onClick={() => go('query')}>{t('openQuery')}</button></div>;
  }
  if (emptiness.value !== 'empty') return null;
  return (
    <div class="card first-run">
      <div class="grow"><h2>{t('firstRunTitle')}</h2><p class="soft">{t('firstRunText')}</p><ErrorBox error={failure.value} /></div>
      {progress.value === undefined
        ? <button class="primary" data-testid="load-sample" onClick={() => void load()}>{t('loadSample')}</button>
        : <span>{t('sampleLoading', progress.value)} <progress max={progress.value.n} value={progress.value.i} /></span>}
    </div>
  );
}
