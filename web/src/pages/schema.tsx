/** The schema of the chosen graph, and what may be changed in it. */
import { useEffect } from 'preact/hooks';
import { cypher } from '../api/cypher.ts';
import { request } from '../api/connection.ts';
import { number, t } from '../i18n/index.ts';
import { colorOf } from '../query/graph-model.ts';
import { refreshSchema, schema } from '../state/schema.ts';
import type { Field, Index, Label } from '../state/schema.ts';
import { user } from '../state/session.ts';
import { graphName } from '../state/settings.ts';
import { showDialog } from '../ui/dialog.tsx';
import { GraphSelect, refreshGraphs } from '../ui/graph-select.tsx';
import { tried } from '../ui/toast.tsx';
import { declareLabel, TypeSelect } from './declare-label.tsx';

async function change(script: string, parameters: Record<string, unknown>): Promise<void> {
  await cypher(script, { graph: graphName.value, parameters });
  await refreshSchema();
}

const kindOf = (label: Label): 'vertex' | 'edge' => (label.kind === 'VERTEX' ? 'vertex' : 'edge');

function createGraph(): void {
  const config = { name: '', description: '' };
  showDialog({
    title: t('createGraph'), action: t('create'),
    body: (
      <>
        <label>{t('name')}<input required pattern="[A-Za-z0-9_]+" onInput={(event) => { config.name = event.currentTarget.value; }} /></label>
        <label>{t('description')}<input onInput={(event) => { config.description = event.currentTarget.value; }} /></label>
      </>
    ),
    work: async () => {
      await request('/db', { body: { name: config.name, config: { description: config.description } } });
      await refreshGraphs();
      graphName.value = config.name;
    },
  });
}

function deleteGraph(): void {
  const name = graphName.value;
  showDialog({
    title: t('deleteGraph'), action: t('deleteGraph'), dangerous: true, body: <p>{t('confirmDeleteGraph', { name })}</p>,
    work: async () => {
      await request(`/db/${encodeURIComponent(name)}`, { method: 'DELETE' });
      graphName.value = 'default';
      await refreshGraphs();
    },
  });
}

function deleteLabel(label: Label): void {
  showDialog({
    title: t('delete'), action: t('delete'), dangerous: true, body: <p>{t('confirmDeleteLabel', { name: label.label, n: number(label.count) })}</p>,
    work: () => change('CALL db.deleteLabel($kind, $label)', { kind: kindOf(label), label: label.label }),
  });
}

function addField(label: Label): void {
  const field = { name: '', type: 'STRING', optional: true, initial: '' };
  showDialog({
    title: `${label.label}: ${t('addField')}`, action: t('add'),
    body: (
      <>
        <label>{t('fieldName')}<input name="field-name" required onInput={(event) => { field.name = event.currentTarget.value; }} /></label>
        <label>{t('type')}<TypeSelect value={field.type} onChange={(type) => { field.type = type; }} /></label>
        <label class="check"><input type="checkbox" defaultChecked onChange={(event) => { field.optional = event.currentTarget.checked; }} />{t('optional')}</label>
        <label>{t('defaultValue')}<input onInput={(event) => { field.initial = event.currentTarget.value; }} /></label>
      </>
    ),
    work: () => change('CALL db.alterLabelAddFields($kind, $label, $spec)', { kind: kindOf(label), label: label.label, spec: [field.name, field.type, initialOf(field), field.optional] }),
  });
}

function initialOf({ type, initial }: { readonly type: string; readonly initial: string }): unknown {
  if (initial === '') return null;
  if (type === 'BOOL') return initial.toLowerCase() === 'true';
  return /^(INT|FLOAT$|DOUBLE)/.test(type) ? Number(initial) : initial;
}

function deleteField(label: Label, field: string): void {
  showDialog({
    title: t('deleteField'), action: t('delete'), dangerous: true, body: <p>{t('confirmDeleteField', { field, label: label.label })}</p>,
    work: () => change('CALL db.alterLabelDelFields($kind, $label, $fields)', { kind: kindOf(label), label: label.label, fields: [field] }),
  });
}

function addIndex(label: Label): void {
  const index = { field: label.properties.find((field) => field.name !== label.primary)?.name ?? '', unique: false };
  showDialog({
    title: `${label.label}: ${t('addIndex')}`, action: t('add'),
    body: (
      <>
        <label>{t('fieldName')}
          {label.isDeclared
            ? <select onChange={(event) => { index.field = event.currentTarget.value; }}>{label.properties.map((field) => <option key={field.name} selected={field.name === index.field}>{field.name}</option>)}</select>
            : <input required onInput={(event) => { index.field = event.currentTarget.value; }} />}
        </label>
        <label class="check"><input type="checkbox" onChange={(event) => { index.unique = event.currentTarget.checked; }} />{t('unique')}</label>
      </>
    ),
    work: () => (label.kind === 'VERTEX'
      ? change('CALL db.addIndex($label, $field, $unique)', { label: label.label, ...index })
      : change('CALL db.addEdgeIndex($label, $field, $unique, false)', { label: label.label, ...index })),
  });
}

function deleteIndex({ label, field, label_type: kind }: Index): void {
  showDialog({
    title: t('deleteIndex'), action: t('delete'), dangerous: true, body: <p>{t('confirmDeleteIndex', { label, field })}</p>,
    work: () => change(kind === 'edge' ? 'CALL db.deleteEdgeIndex($label, $field)' : 'CALL db.deleteIndex($label, $field)', { label, field }),
  });
}

function FieldRow({ label, field }: { readonly label: Label; readonly field: Field }) {
  const indexed = schema.value?.indexes.find((index) => index.label === label.label && index.field === field.name);
  const isPrimary = field.name === label.primary;
  return (
    <tr>
      <td class="mono">{field.name}</td>
      <td>{field.type}</td>
      <td>
        {isPrimary && <span class="tag">{t('primaryKey')}</span>}
        {field.optional === true && <span class="tag">{t('optional')}</span>}
        {indexed !== undefined && !isPrimary && <button class="tag" title={t('deleteIndex')} onClick={() => deleteIndex(indexed)}>{t(indexed.unique ? 'unique' : 'indexed')} ✕</button>}
      </td>
      <td class="number">{!isPrimary && <button class="plain" aria-label={`${t('deleteField')} ${field.name}`} title={t('deleteField')} onClick={() => deleteField(label, field.name)}>✕</button>}</td>
    </tr>
  );
}

function LabelCard({ label }: { readonly label: Label }) {
  const loose = label.isDeclared ? [] : (schema.value?.indexes ?? []).filter((index) => index.label === label.label);
  return (
    <section class="card" data-testid="label-card">
      <div class="row"><span class="dot" style={{ '--dot': label.kind === 'VERTEX' ? colorOf(label.label) : 'var(--soft)' }} /><h2>{label.label}</h2><span class="soft">{t('elementCount', { n: number(label.count) })}</span></div>
      {(label.constraints ?? []).map(([from, to]) => <span key={`${from} ${to}`} class="tag">{from} → {to}</span>)}
      {label.isDeclared ? <table><tbody>{label.properties.map((field) => <FieldRow key={field.name} label={label} field={field} />)}</tbody></table> : <p class="soft">{t('freeForm')}</p>}
      {loose.map((index) => <button key={index.field} class="tag" title={t('deleteIndex')} onClick={() => deleteIndex(index)}>{index.field}: {t(index.unique ? 'unique' : 'indexed')} ✕</button>)}
      <div class="row actions">
        {label.isDeclared && <button onClick={() => addField(label)}>{t('addField')}</button>}
        <button onClick={() => addIndex(label)}>{t('addIndex')}</button>
        {label.isDeclared && <button class="danger" onClick={() => deleteLabel(label)}>{t('delete')}</button>}
      </div>
    </section>
  );
}

export function SchemaPage() {
  useEffect(() => void tried(refreshSchema), [graphName.value]);
  const labels = schema.value?.labels ?? [];
  return (
    <>
      <div class="row page-head">
        <h1>{t('navSchema')}</h1><GraphSelect />
        <span class="grow" />
        {user.value?.isAdmin === true && <><button onClick={createGraph}>{t('createGraph')}</button>{graphName.value !== 'default' && <button class="danger" onClick={deleteGraph}>{t('deleteGraph')}</button>}</>}
        <button class="primary" onClick={() => declareLabel()}>{t('createLabel')}</button>
      </div>
      {(['VERTEX', 'EDGE'] as const).map((kind) => {
        const own = labels.filter((label) => label.kind === kind);
        return (
          <section key={kind}>
            <h3>{t(kind === 'VERTEX' ? 'vertexLabels' : 'edgeLabels')}</h3>
            {own.length === 0 ? <p class="soft">{t('noLabels')}</p> : <div class="columns">{own.map((label) => <LabelCard key={label.label} label={label} />)}</div>}
          </section>
        );
      })}
    </>
  );
}

