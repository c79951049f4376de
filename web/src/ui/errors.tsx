import { ServerError } from '../api/connection.ts';
import { t } from '../i18n/index.ts';

export function messageOf(error: unknown): string {
  if (error instanceof ServerError) return [error.message, error.hint !== undefined && !error.message.includes(error.hint) ? error.hint : ''].filter((text) => text !== '').join('\n');
  if (error instanceof TypeError || (error instanceof DOMException && error.name === 'TimeoutError')) return t('unreachable');
  return error instanceof Error ? error.message : String(error);
}

export function ErrorBox({ error }: { readonly error: unknown }) {
  return error === undefined ? null : <pre class="error" role="alert">{messageOf(error)}</pre>;
}
