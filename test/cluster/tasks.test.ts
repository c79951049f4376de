import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { LocalGroup } from '../../src/cli/local-group.ts';
import { eventually, RestClient } from '../../src/cli/rest-client.ts';

it('lists a running statement and ends it on request, at once', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'lgraph-tasks-'));
  const group = await LocalGroup.create({ size: 1, directory, basePort: 23_100, standalone: true });
  try {
    group.startAll();
    await group.ready(60_000);
    const { restAddress } = group.servers[0]!;
    const client = await RestClient.login(restAddress, 'admin', '73@TuGraph');
    const endless = client.cypher(restAddress, 'UNWIND range(1, 10000000) AS a UNWIND range(1, 10000) AS b RETURN count(a + b)', { timeoutMs: 60_000 }).then(() => 'ended by itself', (error: Error) => error.message);
    const id = await eventually('the statement among the tasks', 10_000, async () => {
      const { rows } = await client.cypher(restAddress, 'CALL dbms.task.listTasks()');
      const tasks = rows.map(([text]) => JSON.parse(String(text)) as { task_id: string; description: string });
      return tasks.find((task) => task.description.includes('10000000'))?.task_id;
    });
    await client.cypher(restAddress, 'CALL dbms.task.terminateTask($id)', { parameters: { id } });
    expect(await endless).toBe('Task is killed.');
    await expect(client.cypher(restAddress, "CALL dbms.task.terminateTask('0_0')")).rejects.toThrow('Task [0_0] not exist.');
  } finally {
    await group.stopAll('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  }
}, 120_000);
