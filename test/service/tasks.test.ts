import { expect, it } from 'vitest';
import { TaskRegistry } from '../../src/service/tasks.ts';

it('keeps passwords out of the list of tasks', () => {
  const tasks = new TaskRegistry(10);
  tasks.start("CALL dbms.security.changePassword('old\\'one', \"new\")", 'admin', 'default');
  tasks.start("MATCH (n {name: 'x'}) RETURN n", 'admin', 'default');
  expect(tasks.list().map((task) => task.description)).toEqual([
    "[CYPHER] CALL dbms.security.changePassword('***', '***')", "[CYPHER] MATCH (n {name: 'x'}) RETURN n",
  ]);
});

it('refuses more statements than allowed, and gives a place back when one ends', () => {
  const tasks = new TaskRegistry(1);
  const task = tasks.start('a', 'u', 'default');
  expect(() => tasks.start('b', 'u', 'default')).toThrow('no more are allowed');
  tasks.end(task);
  tasks.end(task);
  expect(tasks.start('b', 'u', 'default').slot).toBe(task.slot);
});
