/** The form that declares a label with its fields. */
import { useState } from 'preact/hooks';
import { request } from '../api/connection.ts';
import { t } from '../i18n/index.ts';
import { FIELD_TYPES, refreshSchema, schema } from '../state/schema.ts';
import { graphName } from '../state/settings.ts';
import { showDialog } from '../ui/dialog.tsx';

export interface LabelDraft {
  name: string;
  isVertex: boolean;
  primary: string;
  fields: { name: string; type: string; optional: boolean }[];
  constraints: [string, string][];
}

export function TypeSelect({ value, onChange }: { readonly value: string; readonly onChange: (type: string) => void }) {
  return <select aria-label={t('type')} onChange={(event) => onChange(event.currentTarget.value)}>{FIELD_TYPES.map((type) => <option key={type} selected={type === value}>{type}</option>)}</select>;
}

export async function createLabel(draft: LabelDraft): Promise<void> {
  await request(`/db/${encodeURIComponent(graphName.value)}/label`, {
    body: {
      name: draft.name, is_vertex: draft.isVertex, fields: draft.fields.map((field) => ({ ...field, optional: field.optional && !(draft.isVertex && field.name === draft.primary) })),
      ...(draft.isVertex ? { primary: draft.primary } : { edge_constraints: draft.constraints }),
    },
  });
  await refreshSchema();
}

function Form({ draft }: { readonly draft: LabelDraft }) {
  const [, redraw] = useState(0);
  const set = (work: () => void): void => {
    work();
    redraw((n) => n + 1);
  };
  const vertices = (schema.value?.labels ?? []).filter((label) => label.kind === 'VERTEX').map((label) => label.label);
  return (
    <>
      <label>{t('kind')}<select onChange={(event) => set(() => { draft.isVertex = event.currentTarget.value === 'node'; })}><option value="node" selected={draft.isVertex}>{t('kindNode')}</option><option value="relationship" selected={!draft.isVertex}>{t('kindRelationship')}</option></select></label>
      <label>{t('labelName')}<input name="label-name" required value={draft.name} onInput={(event) => set(() => { draft.name = event.currentTarget.value; })} /></label>
      <span class="soft">{t('fields')}</span>
      {draft.fields.map((field, i) => (
        <div key={i} class="row">
          <input class="grow" required aria-label={t('fieldName')} placeholder={t('fieldName')} value={field.name} onInput={(event) => set(() => {
            if (draft.primary === field.name) draft.primary = event.currentTarget.value;
            field.name = event.currentTarget.value;
          })} />
          <TypeSelect value={field.type} onChange={(type) => set(() => { field.type = type; })} />
          {draft.isVertex && <label class="check"><input type="radio" name="primary" checked={draft.primary === field.name} onChange={() => set(() => { draft.primary = field.name; })} />{t('primaryKey')}</label>}
          {!(draft.isVertex && draft.primary === field.name) && <label class="check"><input type="checkbox" checked={field.optional} onChange={(event) => set(() => { field.optional = event.currentTarget.checked; })} />{t('optional')}</label>}
          <button type="button" class="plain" aria-label={t('deleteField')} onClick={() => set(() => { draft.fields.splice(i, 1); })}>✕</button>
        </div>
      ))}
      <div><button type="button" onClick={() => set(() => { draft.fields.push({ name: '', type: 'STRING', optional: true }); })}>{t('addField')}</button></div>
      {!draft.isVertex && (
        <>
          <span class="soft">{t('constraintsLabel')}</span>
          {draft.constraints.map((pair, i) => (
            <div key={i} class="row">
              {([0, 1] as const).map((end) => <select key={end} onChange={(event) => set(() => { pair[end] = event.currentTarget.value; })}>{vertices.map((name) => <option key={name} selected={name === pair[end]}>{name}</option>)}</select>)}
              <button type="button" class="plain" aria-label={t('delete')} onClick={() => set(() => { draft.constraints.splice(i, 1); })}>✕</button>
            </div>
          ))}
          {vertices.length > 0 && <div><button type="button" onClick={() => set(() => { draft.constraints.push([vertices[0]!, vertices[0]!]); })}>{t('add')}</button></div>}
        </>
      )}
    </>
  );
}

export function declareLabel(start?: Partial<LabelDraft>, then?: (name: string) => void): void {
  const draft: LabelDraft = { name: '', isVertex: true, primary: 'id', fields: [{ name: 'id', type: 'INT64', optional: false }], constraints: [], ...start };
  showDialog({
    title: t('createLabel'), action: t('create'), body: <Form draft={draft} />,
    work: async () => {
      await createLabel(draft);
      then?.(draft.name);
    },
  });
}
