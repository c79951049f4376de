/** DBInfo: the servers of the group as they are now, and what an admin may do to them. */
import { signal } from '@preact/signals';
import { useState } from 'preact/hooks';
import { cypher } from '../api/cypher.ts';
import { origin, originOf, request } from '../api/connection.ts';
import type { Peer, ServerInfo } from '../api/types.ts';
import { bytes, number, span, t } from '../i18n/index.ts';
import type { TextKey } from '../i18n/index.ts';
import { en } from '../i18n/en.ts';
import { group, leader, refreshGroup } from '../state/group.ts';
import { usePolling } from '../state/poll.ts';
import { user } from '../state/session.ts';
import { showDialog } from '../ui/dialog.tsx';
import { toast, tried } from '../ui/toast.tsx';
import { FirstRun } from './first-run.tsx';

const DETAILS_POLL_MS = 5000;
const details = signal<ReadonlyMap<string, ServerInfo>>(new Map());

async function refreshDetails(): Promise<void> {
  const peers = group.value?.peers ?? [];
  const found = await Promise.all(peers.filter(({ ha_role: role, state }) => role !== 'WITNESS' && state !== 'OFFLINE').map(async (peer) => {
    const info = await request<ServerInfo>('/info', { at: peer.rest_address }).catch(() => undefined);
    return [peer.node_id, info] as const;
  }));
  details.value = new Map(found.filter((pair): pair is [string, ServerInfo] => pair[1] !== undefined));
}

const nameOf = (peer: Peer): string => (peer.rpc_address === '' ? peer.rest_address : peer.rpc_address);

/** Leadership and membership are the leader's to change; a follower would send us on, and the token would stay behind. */
async function administer(path: string, peer: string): Promise<Record<string, unknown>> {
  const at = leader.value?.rest_address;
  const answer = await request<Record<string, unknown>>(path, { body: { peer }, at });
  await refreshGroup().catch(() => undefined);
  return answer;
}

function makeLeader(peer: Peer): void {
  showDialog({
    title: t('makeLeader'), body: <p>{t('confirmLeader', { server: nameOf(peer) })}</p>, action: t('makeLeader'),
    work: async () => {
      await administer('/group/transfer_leader', peer.rpc_address);
      toast(t('doneLeader', { server: nameOf(peer) }));
    },
  });
}

function removeServer(peer: Peer): void {
  const left = (group.value?.peers ?? []).filter((one) => one.voter && one !== peer).length;
  showDialog({
    title: t('removeServer'), action: t('removeServer'), dangerous: true,
    body: <><p>{t('confirmRemove', { server: nameOf(peer) })}</p><p>{t('confirmRemoveQuorum', { left, need: Math.floor(left / 2) + 1 })}</p></>,
    work: async () => {
      await administer('/group/remove_peer', peer.rpc_address);
      toast(t('doneRemove', { server: nameOf(peer) }));
    },
  });
}

function takeSnapshot(peer: Peer): void {
  showDialog({
    title: t('snapshotServer'), body: <p>{t('confirmSnapshot', { server: nameOf(peer) })}</p>, action: t('snapshotServer'),
    work: async () => {
      const done = await request<{ durable_index: number; dropped: number }>('/group/snapshot', { body: { peer: peer.rpc_address } });
      toast(t('doneSnapshot', { server: nameOf(peer), index: number(done.durable_index), dropped: number(done.dropped) }));
    },
  });
}

function addServer(): void {
  let address = '';
  showDialog({
    title: t('addServer'), action: t('addServer'),
    body: (
      <>
        <p>{t('addServerHint')}</p>
        <label>{t('rpcAddress')}<input required placeholder="192.168.1.14:9090" pattern=".+:\d+" onInput={(event) => { address = event.currentTarget.value.trim(); }} /></label>
      </>
    ),
    work: async () => {
      await administer('/group/add_peer', address);
      toast(t('doneAdd', { server: address }));
    },
  });
}

/** Checksums of all replicas, asked until they are of one version or a few tries are over. */
async function compare(peers: readonly Peer[]): Promise<void> {
  const replicas = peers.filter((peer) => peer.ha_role !== 'WITNESS' && peer.state !== 'OFFLINE');
  for (let attempt = 0; attempt < 10; attempt++) {
    const sums = await Promise.all(replicas.map(async (peer) => (await cypher('CALL dbms.ha.checksum()', { at: peer.rest_address })).rows[0] as [number, string]));
    if (new Set(sums.map(([version]) => version)).size > 1) continue;
    const equal = new Set(sums.map(([, sum]) => sum)).size === 1;
    if (equal) toast(t('replicasEqual', { n: sums.length, version: number(sums[0]![0]), sum: sums[0]![1].slice(0, 12) }));
    else toast(t('replicasDiffer'), 'bad');
    return;
  }
  toast(t('replicasMoving'), 'bad');
}

function roleText(peer: Peer): string {
  const key = `role_${peer.ha_role === 'WITNESS' ? 'witness' : peer.role}`;
  return `${key in en ? t(key as TextKey) : peer.role}${peer.voter ? '' : ` · ${t('learnerMark')}`}`;
}

function Progress({ peer }: { readonly peer: Peer }) {
  const { snapshot } = peer;
  if (snapshot === undefined) return null;
  const left = snapshot.seconds_left === null ? t('timeUnknown') : t('timeLeft', { time: span(snapshot.seconds_left * 1000) });
  return (
    <div class="progress">
      <progress max={100} value={snapshot.percent} />
      <small>{t('snapshotProgress', { phase: snapshot.phase, percent: snapshot.percent, done: bytes(snapshot.bytes), total: bytes(snapshot.bytes_total), left })}</small>
    </div>
  );
}

function ServerRow({ peer, isGroup }: { readonly peer: Peer; readonly isGroup: boolean }) {
  const info = details.value.get(peer.node_id);
  const isOff = peer.state === 'OFFLINE';
  const isWitness = peer.ha_role === 'WITNESS';
  // A new leader does not know how far the others are until it has heard them.
  const isKnown = peer.applied_index > 0;
  const isOurs = origin.value === originOf(peer.rest_address) || (!isGroup);
  const mayAdminister = user.value?.isAdmin === true && isGroup;
  const seen = isOff ? undefined : info;
  const cell = (label: TextKey, content: string, below = '') => (
    <td class="number" data-label={t(label)}><span>{content}{below !== '' && <small class="soft block">{below}</small>}</span></td>
  );
  return (
    <tr data-testid="server-row" data-state={peer.state}>
      <td data-label={t('colServer')}><strong>{nameOf(peer)}</strong><small class="soft block">{peer.rest_address}{isOurs && ` · ${t('thisServer')}`}</small></td>
      <td data-label={t('colRole')}>{roleText(peer)}</td>
      <td data-label={t('colState')}><span class={`state ${peer.state}`}>{peer.state}</span><Progress peer={peer} /></td>
      {cell('colTerm', number(peer.term))}
      {cell('colCommit', number(peer.commit_index), isWitness ? '' : isKnown ? number(peer.applied_index) : '–')}
      {cell('colLag', isWitness || !isKnown || peer.state === 'MASTER' ? '–' : number(peer.lag))}
      {cell('colLastSeen', peer.state === 'MASTER' ? '–' : peer.last_contact_ms < 0 ? '?' : span(peer.last_contact_ms))}
      {cell('colDisk', seen === undefined ? '–' : bytes(seen.db_space.disk_avail), seen === undefined ? '' : bytes(seen.memory.self * 1024))}
      <td data-label={t('colVersion')}><span>{peer.version}<small class="soft block">{[seen === undefined ? '' : t('upFor', { time: span(seen.up_time * 1000) }), peer.note].filter((text) => text !== '').join(' · ')}</small></span></td>
      {mayAdminister && (
        <td class="actions">
          {peer.state === 'FOLLOW' && !isWitness && peer.voter && <button onClick={() => makeLeader(peer)}>{t('makeLeader')}</button>}
          {!isOff && !isWitness && <button onClick={() => takeSnapshot(peer)}>{t('snapshotServer')}</button>}
          <button class="danger" onClick={() => removeServer(peer)}>{t('removeServer')}</button>
        </td>
      )}
    </tr>
  );
}

const COLUMNS = ['colServer', 'colRole', 'colState', 'colTerm', 'colCommit', 'colLag', 'colLastSeen', 'colDisk', 'colVersion'] as const;
const NUMERIC: ReadonlySet<string> = new Set(['colTerm', 'colCommit', 'colLag', 'colLastSeen', 'colDisk']);

export function ServersPage() {
  usePolling(refreshDetails, DETAILS_POLL_MS, [group.value === undefined]);
  const [comparing, setComparing] = useState(false);
  const seen = group.value;
  if (seen === undefined) return <p class="soft">{t('loading')}</p>;
  const { isGroup, peers } = seen;
  const up = peers.filter((peer) => peer.state !== 'OFFLINE').length;
  const master = leader.value;
  const line = isGroup
    ? t('clusterLine', { up, all: peers.length, term: peers[0]?.term ?? '?', leader: master === undefined ? '–' : nameOf(master) })
    : t('singleLine', { version: peers[0]?.version ?? '' });
  return (
    <>
      <div class="row page-head">
        <h1>{t('serversTitle')}</h1>
        <span class="grow" />
        {isGroup && <button disabled={comparing} onClick={() => { setComparing(true); void tried(() => compare(peers)).then(() => setComparing(false)); }}>{t('compareReplicas')}</button>}
        {isGroup && user.value?.isAdmin === true && <button class="primary" onClick={addServer}>{t('addServer')}</button>}
      </div>
      <p data-testid="headline" aria-live="polite">{line}</p>
      <FirstRun />
      <div class="scroll card flush">
        <table class="grid stacked">
          <thead><tr>{COLUMNS.map((key) => <th key={key} class={NUMERIC.has(key) ? 'number' : ''}>{t(key)}</th>)}{isGroup && user.value?.isAdmin === true && <th>{t('actions')}</th>}</tr></thead>
          <tbody>{peers.map((peer) => <ServerRow key={peer.node_id} peer={peer} isGroup={isGroup} />)}</tbody>
        </table>
      </div>
    </>
  );
}
