import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { t } from '../i18n/index.ts';
import { expired, logIn } from '../state/session.ts';
import { ErrorBox } from '../ui/errors.tsx';

export function LoginPage({ choices }: { readonly choices: ComponentChildren }) {
  const [error, setError] = useState<unknown>(undefined);
  const [busy, setBusy] = useState(false);
  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const data = new FormData(event.currentTarget as HTMLFormElement);
    setBusy(true);
    try {
      await logIn(String(data.get('username')), String(data.get('password')));
    } catch (problem) {
      setError(problem);
    } finally {
      setBusy(false);
    }
  };
  return (
    <main class="login">
      <form class="card" onSubmit={(event) => void submit(event)}>
        <h1>lgraph</h1>
        <p class="soft">{t('loginLead')}</p>
        {expired.value && <p class="banner warn">{t('sessionExpired')}</p>}
        <label>{t('user')}<input name="username" defaultValue="admin" autocomplete="username" required /></label>
        <label>{t('password')}<input name="password" type="password" autocomplete="current-password" required autofocus /></label>
        <ErrorBox error={error} />
        <button class="primary" disabled={busy}>{t('logIn')}</button>
        <div class="row end">{choices}</div>
      </form>
    </main>
  );
}
