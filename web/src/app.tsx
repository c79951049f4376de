/** The frame: navigation, health of the group, choices, and the page that the address names. Heavy pages come when they are opened. */
import { effect } from '@preact/signals';
import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { failovers, serverName, unreachable } from './api/connection.ts';
import { language, t } from './i18n/index.ts';
import { LoginPage } from './pages/login.tsx';
import { changeOwnPassword } from './pages/own-password.tsx';
import { ServersPage } from './pages/servers.tsx';
import { health, refreshGroup } from './state/group.ts';
import { go, page, PAGES } from './state/route.ts';
import type { PageName } from './state/route.ts';
import { logOut, user } from './state/session.ts';
import { theme } from './state/settings.ts';
import type { Theme } from './state/settings.ts';
import { usePolling } from './state/poll.ts';
import { DialogHost, showDialog } from './ui/dialog.tsx';
import { Icon } from './ui/icons.tsx';
import { toast, Toasts } from './ui/toast.tsx';

const NAMES = { servers: 'navServers', query: 'navQuery', schema: 'navSchema', import: 'navImport', users: 'navUsers', tasks: 'navTasks', metrics: 'navMetrics' } as const;
const GROUP_POLL_MS = 1000;

const LATER: Partial<Record<PageName, () => Promise<ComponentType>>> = {
  query: async () => (await import('./pages/query.tsx')).QueryPage,
  schema: async () => (await import('./pages/schema.tsx')).SchemaPage,
  import: async () => (await import('./pages/import.tsx')).ImportPage,
  users: async () => (await import('./pages/users.tsx')).UsersPage,
  tasks: async () => (await import('./pages/tasks.tsx')).TasksPage,
  metrics: async () => (await import('./pages/metrics.tsx')).MetricsPage,
};

function LaterPage({ name }: { readonly name: PageName }) {
  const [loaded, setLoaded] = useState<{ name: PageName; Page: ComponentType } | undefined>(undefined);
  useEffect(() => {
    let wanted = true;
    void LATER[name]?.().then((Page) => {
      if (wanted) setLoaded({ name, Page });
    });
    return () => {
      wanted = false;
    };
  }, [name]);
  return loaded?.name === name ? <loaded.Page /> : <p class="soft">{t('loading')}</p>;
}

function showKeys(): void {
  const keys = [['Alt + 1 … 7', t('keyPages')], ['Ctrl + Enter', t('keyRun')], ['Ctrl + Space', t('keyComplete')], ['/', t('keyEditor')], ['?', t('keyHelp')]] as const;
  showDialog({
    title: t('keyboardHelp'), action: t('close'), work: async () => undefined,
    body: <table class="keys"><tbody>{keys.map(([key, what]) => <tr key={key}><td><kbd>{key}</kbd></td><td>{what}</td></tr>)}</tbody></table>,
  });
}

function onKey(event: KeyboardEvent): void {
  const digit = /^Digit([1-7])$/.exec(event.code);
  if (event.altKey && !event.ctrlKey && !event.metaKey && digit !== null) {
    event.preventDefault();
    go(PAGES[Number(digit[1]) - 1]!);
    return;
  }
  const target = event.composedPath()[0];
  const isTyping = target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
  if (event.key === '?' && !isTyping) showKeys();
}

function Choices() {
  return (
    <>
      <select aria-label={t('language')} value={language.value} onChange={(event) => { language.value = event.currentTarget.value === 'zh' ? 'zh' : 'en'; }}>
        <option value="en">English</option>
        <option value="zh">中文</option>
      </select>
      <select aria-label={t('theme')} value={theme.value} onChange={(event) => { theme.value = event.currentTarget.value as Theme; }}>
        <option value="system">{t('themeSystem')}</option>
        <option value="light">{t('themeLight')}</option>
        <option value="dark">{t('themeDark')}</option>
      </select>
    </>
  );
}

function Shell({ name }: { readonly name: string }) {
  usePolling(refreshGroup, GROUP_POLL_MS);
  useEffect(() => {
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, []);
  return (
    <div class="shell">
      <a class="skip" href="#content" onClick={(event) => { event.preventDefault(); document.getElementById('content')?.focus(); }}>{t('skipToContent')}</a>
      <header class="top">
        <strong class="brand">lgraph</strong>
        <span class={`pill ${health.value}`} data-testid="health">{t(`health_${health.value}`)}</span>
        <span class="soft narrow-hidden" data-testid="server">{t('connectedTo', { server: serverName.value })}</span>
        <span class="grow" />
        <button class="plain narrow-hidden" title={t('keyboardHelp')} aria-label={t('keyboardHelp')} onClick={showKeys}><Icon name="keyboard" /></button>
        <Choices />
        <span class="soft narrow-hidden">{name}</span>
        <button onClick={logOut}>{t('logOut')}</button>
      </header>
      <nav class="side" aria-label={t('navigation')}>
        {PAGES.map((one, i) => (
          <a key={one} href={`#/${one}`} aria-current={page.value === one ? 'page' : undefined} title={`Alt+${i + 1}`}><Icon name={one} /><span>{t(NAMES[one])}</span></a>
        ))}
      </nav>
      <main id="content" tabIndex={-1}>
        {unreachable.value && <p class="banner bad" role="alert">{t('unreachable')}</p>}
        {user.value?.hasDefaultPassword === true && (
          <p class="banner warn">{t('defaultPassword')} <button onClick={changeOwnPassword}>{t('changeIt')}</button></p>
        )}
        {page.value === 'servers' ? <ServersPage /> : <LaterPage name={page.value} />}
      </main>
    </div>
  );
}

export function App() {
  return (
    <>
      {user.value === undefined ? <LoginPage choices={<Choices />} /> : <Shell name={user.value.name} />}
      <DialogHost />
      <Toasts />
    </>
  );
}

let seen = 0;
effect(() => {
  if (failovers.value > seen) toast(t('switchedTo', { server: serverName.value }));
  seen = failovers.value;
});
