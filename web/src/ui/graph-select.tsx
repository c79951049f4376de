import { signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { records } from '../api/cypher.ts';
import { t } from '../i18n/index.ts';
import { user } from '../state/session.ts';
import { graphName } from '../state/settings.ts';

export interface GraphFacts {
  readonly graph_name: string;
  readonly configuration: { readonly description: string };
}

export const graphs = signal<readonly GraphFacts[]>([]);

export async function refreshGraphs(): Promise<void> {
  graphs.value = await records<GraphFacts>('CALL dbms.graph.listUserGraphs($user)', { parameters: { user: user.value!.name } });
  if (graphs.value.length > 0 && !graphs.value.some((graph) => graph.graph_name === graphName.value)) graphName.value = graphs.value[0]!.graph_name;
}

export function GraphSelect() {
  useEffect(() => void refreshGraphs().catch(() => undefined), []);
  const names = graphs.value.length === 0 ? [graphName.value] : graphs.value.map((graph) => graph.graph_name);
  return (
    <select aria-label={t('graph')} title={t('graph')} value={graphName.value} onChange={(event) => { graphName.value = event.currentTarget.value; }}>
      {names.map((name) => <option key={name} value={name}>{name}</option>)}
    </select>
  );
}
