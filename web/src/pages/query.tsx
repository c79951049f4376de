/** The query page: editor, history, result. */
import { effect } from '@preact/signals';
import { useEffect, useRef, useState } from 'preact/hooks';
import { ServerError } from '../api/connection.ts';
import { language, number, span, t } from '../i18n/index.ts';
import { favourites, history, toggleFavourite } from '../query/history.ts';
import { ResultPanel } from '../query/result-panel.tsx';
import { outcome, parametersText, run, statementText, stop } from '../query/run.ts';
import type { Editor } from '../query/editor.ts';
import { graphName, isDark, rowsMax } from '../state/settings.ts';
import { keep } from '../state/storage.ts';
import { ErrorBox } from '../ui/errors.tsx';
import { GraphSelect } from '../ui/graph-select.tsx';
import { Icon } from '../ui/icons.tsx';

type Drawer = 'history' | 'favourites' | undefined;

effect(() => keep('session', 'statement', statementText.value));
effect(() => keep('session', 'parameters', parametersText.value));

/** CodeMirror, in its own chunk. */
function useEditor() {
  const host = useRef<HTMLDivElement>(null);
  const editor = useRef<Editor | undefined>(undefined);
  useEffect(() => {
    let wanted = true;
    void import('../query/editor.ts').then(({ mountEditor }) => {
      // The host goes with the page; what an effect leaves to be tidied is tidied a frame later.
      if (!wanted || host.current === null) return;
      editor.current = mountEditor(host.current, {
        text: statementText.value, label: t('editorLabel'), isDark: isDark.value, graph: () => graphName.value, onRun: () => void run(),
        onChange: (text) => { statementText.value = text; },
      });
      editor.current.focus();
    });
    return () => {
      wanted = false;
      editor.current?.destroy();
    };
  }, []);
  useEffect(() => editor.current?.setDark(isDark.value), [isDark.value]);
  useEffect(() => {
    if (outcome.value.kind !== 'failed') return;
    const { error } = outcome.value;
    if (error instanceof ServerError && error.line !== undefined && error.column !== undefined) editor.current?.mark(error.line, error.column, error.message);
  }, [outcome.value]);
  useEffect(() => {
    const onSlash = (event: KeyboardEvent): void => {
      const target = event.target as HTMLElement;
      if (event.key !== '/' || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) || target === host.current) return;
      event.preventDefault();
      editor.current?.focus();
    };
    addEventListener('keydown', onSlash);
    return () => removeEventListener('keydown', onSlash);
  }, []);
  return { host, editor };
}

function DrawerList({ kind, onTake }: { readonly kind: Drawer; readonly onTake: (text: string) => void }) {
  if (kind === undefined) return null;
  if (kind === 'favourites') {
    return (
      <div class="card drawer" data-testid="favourites">
        {favourites.value.length === 0 && <p class="soft">{t('noFavourites')}</p>}
        {favourites.value.map((text) => (
          <div key={text} class="drawer-item"><button title={text} onClick={() => onTake(text)}>{text}</button><button class="plain" aria-label={t('removeFavourite')} onClick={() => toggleFavourite(text)}><Icon name="close" /></button></div>
        ))}
      </div>
    );
  }
  const when = new Intl.DateTimeFormat(language.value === 'zh' ? 'zh-CN' : 'en', { month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit' });
  return (
    <div class="card drawer" data-testid="history">
      {history.value.length === 0 && <p class="soft">{t('noHistory')}</p>}
      {history.value.map((one) => (
        <div key={one.at} class="drawer-item">
          <button title={one.text} onClick={() => onTake(one.text)}>{one.text}</button>
          <small class={one.rows === undefined ? 'OFFLINE' : 'soft'}>{one.rows === undefined ? '✗' : `✓ ${t('planRows', { n: number(one.rows) })}`}</small>
          <small class="soft narrow-hidden">{span(one.ms)} · {one.graph} · {when.format(one.at)}</small>
        </div>
      ))}
      {history.value.length > 0 && <div class="row end"><button onClick={() => { history.value = []; }}>{t('clearHistory')}</button></div>}
    </div>
  );
}

function Outcome() {
  const now = outcome.value;
  switch (now.kind) {
    case 'none': return <p class="pad soft">{t('welcomeQuery')}</p>;
    case 'running': return <p class="pad soft">{t('running')}</p>;
    case 'failed': return (
      <div class="pad">
        {now.error instanceof ServerError && now.error.line !== undefined && <strong>{t('atPlace', { line: now.error.line, column: now.error.column ?? 1 })}</strong>}
        <ErrorBox error={now.error} />
      </div>
    );
    case 'done': return <ResultPanel result={now.result} graph={now.graph} totalMs={now.totalMs} />;
  }
}

export function QueryPage() {
  const { host, editor } = useEditor();
  const [drawer, setDrawer] = useState<Drawer>(undefined);
  const [hasParameters, setHasParameters] = useState(parametersText.value !== '');
  const isFavourite = favourites.value.includes(statementText.value.trim());
  const toggle = (kind: Drawer): void => setDrawer(drawer === kind ? undefined : kind);
  return (
    <div class="query">
      <div class="card editor-card">
        <div ref={host} class="editor" />
        {hasParameters && (
          <textarea class="parameters" aria-label={t('parameters')} placeholder={`{"name": "Tom Hanks"}   ${t('parametersHint')}`} value={parametersText.value} onInput={(event) => { parametersText.value = event.currentTarget.value; }} />
        )}
        <div class="row editor-bar">
          {outcome.value.kind === 'running'
            ? <button class="danger" onClick={stop}>{t('stop')}</button>
            : <button class="primary" data-testid="run" onClick={() => void run()}>{t('run')}</button>}
          <button aria-label={t(isFavourite ? 'removeFavourite' : 'addFavourite')} title={t(isFavourite ? 'removeFavourite' : 'addFavourite')} onClick={() => toggleFavourite(statementText.value)}><Icon name="star" filled={isFavourite} /></button>
          <button onClick={() => void run('EXPLAIN ')}>{t('explain')}</button>
          <button onClick={() => void run('PROFILE ')}>{t('profile')}</button>
          <span class="grow" />
          <GraphSelect />
          <button class={hasParameters ? 'on' : ''} onClick={() => setHasParameters(!hasParameters)}>{t('parameters')}</button>
          <select aria-label={t('rowsMaxLabel')} title={t('rowsMaxLabel')} value={rowsMax.value} onChange={(event) => { rowsMax.value = Number(event.currentTarget.value); }}>
            {[100, 1000, 10_000, 100_000].map((n) => <option key={n} value={n}>≤ {number(n)}</option>)}
          </select>
          <button class={drawer === 'history' ? 'on' : ''} onClick={() => toggle('history')}>{t('history')}</button>
          <button class={drawer === 'favourites' ? 'on' : ''} onClick={() => toggle('favourites')}>{t('favourites')}</button>
        </div>
      </div>
      <DrawerList kind={drawer} onTake={(text) => { editor.current?.set(text); editor.current?.focus(); setDrawer(undefined); }} />
      <div class="card result-card" data-testid="result"><Outcome /></div>
    </div>
  );
}
