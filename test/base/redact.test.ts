import { describe, expect, it } from 'vitest';
import { covered, withoutSecrets } from '../../src/base/redact.ts';

it('leaves statements about data as they are', () => {
  for (const text of ["MATCH (n {name: 'x'}) RETURN n // all", 'RETURN 1', "CREATE (n:A {b: \"c\"})"]) expect(withoutSecrets(text)).toBe(text);
});

it('keeps the user a statement is about, and nothing secret', () => {
  expect(withoutSecrets("CALL dbms.security.createUser('ada', 'hush')")).toBe("CALL dbms.security.createUser('ada', '***')");
  expect(withoutSecrets('call dbms.security.changeUserPassword ( "ada" , "hush" )')).toBe('CALL dbms.security.changeUserPassword("ada", \'***\' )');
  expect(withoutSecrets('CALL dbms.security.createUser($user, $x)', new Map([['user', 'ada'], ['x', 'hush']]))).toBe('CALL dbms.security.createUser("ada", $x)');
});

it('tells what an administrative call was about', () => {
  expect(withoutSecrets("CALL dbms.security.addUserRoles('ada', ['admin'])")).toBe("CALL dbms.security.addUserRoles('ada', ['admin'])");
  expect(withoutSecrets('CALL dbms.security.rebuildRoleAccessLevel($name, $levels)', new Map<string, unknown>([['name', 'r'], ['levels', new Map([['default', 'FULL']])]])))
    .toBe('CALL dbms.security.rebuildRoleAccessLevel("r", {default: "FULL"})');
  expect(withoutSecrets('CALL dbms.config.update($u)', new Map([['u', new Map<string, unknown>([['verbose', 2], ['enable_audit_log', null]])]]))).toBe('CALL dbms.config.update({verbose: 2, enable_audit_log: null})');
});

it('does not tell the values of any other parameter', () => {
  for (const text of ['CALL dbms.config.update($u)', 'CALL dbms.security.changePassword($u, $u)', 'CALL dbms.security.createUser(\'a\', $u)', 'MATCH (n {p: $u}) RETURN n', 'CALL dbms.security.addUserRoles($u, []) RETURN 1']) {
    expect(withoutSecrets(text, new Map([['u', new Map([['admin_password', 'hush']])]]))).not.toContain('hush');
    if (!text.includes('update')) expect(withoutSecrets(text, new Map([['u', 'hush']]))).not.toContain('hush');
  }
});

it.each([
  "CALL dbms.security.changePassword('hush', \"hush\")",
  "CALL dbms . security . changePassword ( 'hush' , 'hush' )",
  "CALL `dbms`.`security`.`createUser`('ada', 'hush')",
  "CALL dbms./* 'hush' */security.createUser('ada', 'a\\'hush')",
  "CALL dbms.security.createUser('ada', 'hush",
  "CALL dbms.security.createUser('ada', \"it's hush",
  "CALL dbms.security.createUser('a\\'hush', 'b')",
  "CALL dbms.security.creatUser('ada', 'hush')",
  "CALL dbms.config.update({admin_password: 'hush'})",
  "CREATE USER ada SET PASSWORD 'hush'",
  "ALTER USER ada SET PASSWORD \"hush\" // was 'hush'",
  "WITH 'hush' AS p CALL dbms.security.createUser('ada', p) RETURN 1",
  "// hush\nCALL dbms.security.createUser('ada', 'x') /* hush",
  "EXPLAIN CALL dbms.security.createUser('ada', 'hush')",
  "CALL dbms.security.createUser('ada', 'x\n hush')",
])('takes the secret out of %s', (text) => {
  expect(withoutSecrets(text)).not.toContain('hush');
});

it('covers the passwords of commands', () => {
  for (const text of [
    "CREATE USER ada SET PASSWORD 'hush'", "create or replace user ada set plaintext password \"hush\" change not required", "ALTER USER ada SET STATUS ACTIVE SET PASSWORD 'hush'",
    "ALTER CURRENT USER SET PASSWORD FROM 'hush' TO 'hush2'",
  ]) {
    expect(withoutSecrets(text)).not.toContain('hush');
    expect(withoutSecrets(text)).toMatch(/user/i);
  }
});

describe('a password without quotes', () => {
  it.each([
    ['ALTER USER bob SET PASSWORD hunter2 CHANGE NOT REQUIRED', 'ALTER USER bob SET PASSWORD *** CHANGE NOT REQUIRED'],
    ["ALTER CURRENT USER SET PASSWORD FROM 'old' TO 73@TuGraphX", "ALTER CURRENT USER SET PASSWORD FROM '***' TO ***"],
    ['ALTER CURRENT USER SET PASSWORD FROM o-l_d TO new!', 'ALTER CURRENT USER SET PASSWORD FROM *** TO ***'],
    ['create user eve set plaintext password\n  p4ss', 'create user eve set plaintext password\n  ***'],
  ])('%s', (text, told) => {
    expect(withoutSecrets(text)).toBe(told);
    expect(covered(text)).not.toMatch(/hunter2|TuGraphX|new!|o-l_d|p4ss/);
    expect(covered(text).length).toBe(text.length);
  });

  it.each(['ALTER USER bob SET PASSWORD CHANGE NOT REQUIRED', 'ALTER USER bob SET PASSWORD $new', 'MATCH (n) RETURN n.password AS p, n.x TO', 'GRANT ROLE token TO bob'])('is not seen in %s', (text) => {
    expect(withoutSecrets(text)).toBe(text);
    expect(covered(text)).toBe(text);
  });

  it('is looked for in statements of any length', () => {
    // A look back from each blank would take hours.
    for (const text of [`PASSWORD${' '.repeat(1_000_000)}`, `PASSWORD FROM${' '.repeat(1_000_000)}x`, `PASSWORD FROM ${'TO a '.repeat(10_000)}`]) expect(covered(text).length).toBe(text.length);
  });
});
