/** Dialogs over the page: `ask` for confirmation, and forms. Native <dialog>: focus, Escape and backdrop are the browser's. */
import { signal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { messageOf } from './errors.tsx';
import { t } from '../i18n/index.ts';

export interface DialogSpec {
  readonly title: string;
  readonly body: ComponentChildren;
  readonly action: string;
  readonly dangerous?: boolean;
  /** Runs while the dialog stays open; an error is shown in it. */
  readonly work: () => Promise<void>;
}

const open = signal<DialogSpec | undefined>(undefined);
const busy = signal(false);
const failure = signal('');

export function showDialog(spec: DialogSpec): void {
  failure.value = '';
  busy.value = false;
  open.value = spec;
}

async function act(spec: DialogSpec): Promise<void> {
  if (busy.value) return;
  busy.value = true;
  failure.value = '';
  try {
    await spec.work();
    if (open.value === spec) open.value = undefined;
  } catch (error) {
    failure.value = messageOf(error);
  } finally {
    busy.value = false;
  }
}

export function DialogHost() {
  const element = useRef<HTMLDialogElement>(null);
  const spec = open.value;
  useEffect(() => {
    if (spec !== undefined && element.current?.open === false) element.current.showModal();
  }, [spec]);
  if (spec === undefined) return null;
  return (
    <dialog ref={element} class="dialog" onClose={() => { open.value = undefined; }} aria-labelledby="dialog-title">
      <form onSubmit={(event) => { event.preventDefault(); void act(spec); }}>
        <h2 id="dialog-title">{spec.title}</h2>
        <div class="dialog-body">{spec.body}</div>
        {failure.value !== '' && <p class="error" role="alert">{failure.value}</p>}
        <div class="row end">
          <button type="button" onClick={() => { open.value = undefined; }}>{t('cancel')}</button>
          <button class={spec.dangerous === true ? 'danger' : 'primary'} disabled={busy.value}>{spec.action}</button>
        </div>
      </form>
    </dialog>
  );
}
