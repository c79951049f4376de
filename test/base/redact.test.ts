import { expect, it } from 'vitest';
import { withoutSecrets } from '../../src/base/redact.ts';

it('leaves statements about data as they are', () => {
  for (const text of ["MATCH (n {name: 'x'}) RETURN n // all", 'RETURN 1', "CREATE (n:A {b: \"c\"})"]) expect(withoutSecrets(text)).toBe(text);
});

it('keeps the user a statement is about, and nothing secret', () => {
  expect(withoutSecrets("CALL dbms.security.createUser('ada', 'hush')")).toBe("CALL dbms.security.createUser('ada', '***')");
  expect(withoutSecrets('call dbms.security.changeUserPassword ( "ada" , "hush" )')).toBe('CALL dbms.security.changeUserPassword("ada", \'***\' )');
  expect(withoutSecrets('CALL dbms.security.createUser($user, $x)', new Map([['user', 'ada'], ['x', 'hush']]))).toBe('CALL dbms.security.createUser("ada", $x)');
});

it.each([
  "CALL dbms.security.changePassword('hush', \"hush\")",
  "CALL dbms . security . changePassword ( 'hush' , 'hush' )",
  "CALL `dbms`.`security`.`createUser`('ada', 'hush')",
  "CALL dbms./* 'hush' */security.createUser('ada', 'a\\'hush')",
  "CALL dbms.security.createUser('ada', 'hush",
  "CALL dbms.security.createUser('ada', \"it's hush",
  "CALL dbms.security.createUser('a\\'hush', 'b')",
  "CREATE USER ada SET PASSWORD 'hush'",
  "ALTER USER ada SET PASSWORD \"hush\" // was 'hush'",
  "WITH 'hush' AS p CALL dbms.security.createUser('ada', p) RETURN 1",
  "// hush\nCALL dbms.security.createUser('ada', 'x') /* hush",
  "EXPLAIN CALL dbms.security.createUser('ada', 'hush')",
  "CALL dbms.security.createUser('ada', 'x\n hush')",
])('takes the secret out of %s', (text) => {
  expect(withoutSecrets(text)).not.toContain('hush');
});
