/** What runs on every server of the group, and how to end it. */
import { useState } from 'preact/hooks';
import { records } from '../api/cypher.ts';
import { request } from '../api/connection.ts';
import { span, t } from '../i18n/index.ts';
import { group } from '../state/group.ts';
import { usePolling } from '../state/poll.ts';
import { user } from '../state/session.ts';
import { showDialog } from '../ui/dialog.tsx';
import { toast } from '../ui/toast.tsx';

interface Task {
  readonly server: string;
  readonly id: string;
  readonly user: string;
  readonly text: string;
  readonly elapsedMs: number;
}

const POLL_MS = 1000;
/** The statement that asks for the others. */
const ASK = 'CALL dbms.listTransactions() YIELD transactionId, username, currentQuery, elapsedTime RETURN transactionId, username, currentQuery, elapsedTime.milliseconds AS ms';

async function tasksOf(server: string): Promise<Task[]> {
  const rows = await records<{ transactionId: string; username: string; currentQuery: string; ms: number }>(ASK, { at: server });
  return rows.filter((row) => row.currentQuery !== ASK).map((row) => ({ server, id: row.transactionId, user: row.username, text: row.currentQuery, elapsedMs: row.ms }));
}

function kill(task: Task): void {
  showDialog({
    title: t('kill'), action: t('kill'), dangerous: true, body: <><p>{t('confirmKill')}</p><p class="statement">{task.text}</p></>,
    work: async () => {
      await request(`/task/${task.id}`, { method: 'DELETE', at: task.server });
      toast(t('killed'));
    },
  });
}

export function TasksPage() {
  const [tasks, setTasks] = useState<readonly Task[] | undefined>(undefined);
  const [silent, setSilent] = useState<readonly string[]>([]);
  usePolling(async () => {
    const servers = (group.value?.peers ?? []).filter((peer) => peer.ha_role !== 'WITNESS' && peer.state !== 'OFFLINE').map((peer) => peer.rest_address);
    const missed: string[] = [];
    const found = await Promise.all(servers.map((server) => tasksOf(server).catch(() => {
      missed.push(server);
      return [];
    })));
    setSilent(missed);
    if (servers.length > 0) setTasks(found.flat().sort((a, b) => b.elapsedMs - a.elapsedMs));
  }, POLL_MS, [group.value === undefined]);
  return (
    <>
      <h1>{t('tasksTitle')}</h1>
      {silent.map((server) => <p key={server} class="banner warn">{t('notAnswering', { server })}</p>)}
      {tasks === undefined && <p class="soft">{t('loading')}</p>}
      {tasks?.length === 0 && <p class="soft">{t('noTasks')}</p>}
      {tasks !== undefined && tasks.length > 0 && (
        <div class="card flush scroll">
          <table class="grid stacked">
            <thead><tr><th>{t('statement')}</th><th>{t('user')}</th><th>{t('colServer')}</th><th class="number">{t('elapsed')}</th><th /></tr></thead>
            <tbody>
              {tasks.map((task) => (
                <tr key={`${task.server} ${task.id}`} data-testid="task">
                  <td><span class="statement">{task.text}</span></td>
                  <td data-label={t('user')}>{task.user}</td>
                  <td data-label={t('colServer')}>{task.server}</td>
                  <td data-label={t('elapsed')} class="number">{span(task.elapsedMs)}</td>
                  <td class="actions">{user.value?.isAdmin === true && <button class="danger" onClick={() => kill(task)}>{t('kill')}</button>}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}
