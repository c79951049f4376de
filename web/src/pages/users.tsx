/** Users and roles: TuGraph's, over /user and /role. */
import { signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { request } from '../api/connection.ts';
import { t } from '../i18n/index.ts';
import { user } from '../state/session.ts';
import { showDialog } from '../ui/dialog.tsx';
import { graphs, refreshGraphs } from '../ui/graph-select.tsx';
import { toast, tried } from '../ui/toast.tsx';
import { changeOwnPassword } from './own-password.tsx';

interface UserFacts {
  readonly description: string;
  readonly disabled: boolean;
  readonly roles: readonly string[];
}

interface RoleFacts {
  readonly description: string;
  readonly disabled: boolean;
  readonly permissions: Readonly<Record<string, string>> | null;
}

const LEVELS = ['NONE', 'READ', 'WRITE', 'FULL'] as const;
const users = signal<Readonly<Record<string, UserFacts>>>({});
const roles = signal<Readonly<Record<string, RoleFacts>>>({});

async function refresh(): Promise<void> {
  [users.value, roles.value] = await Promise.all([request<Record<string, UserFacts>>('/user'), request<Record<string, RoleFacts>>('/role')]);
}

const path = (kind: 'user' | 'role', name: string, more = ''): string => `/${kind}/${encodeURIComponent(name)}${more}`;

/** A change, and the lists anew. */
async function change(url: string, body: unknown = {}, method: 'POST' | 'DELETE' = 'POST'): Promise<void> {
  await request(url, method === 'DELETE' ? { method } : { method, body });
  await refresh();
}

function createUser(): void {
  const fresh = { user: '', password: '', description: '' };
  let chosen: readonly string[] = [];
  showDialog({
    title: t('createUser'), action: t('create'),
    body: (
      <>
        <label>{t('name')}<input name="new-user" required autocomplete="off" onInput={(event) => { fresh.user = event.currentTarget.value; }} /></label>
        <label>{t('password')}<input name="new-password" type="password" required autocomplete="new-password" onInput={(event) => { fresh.password = event.currentTarget.value; }} /></label>
        <label>{t('description')}<input onInput={(event) => { fresh.description = event.currentTarget.value; }} /></label>
        <RoleChoice chosen={[]} onChange={(next) => { chosen = next; }} />
      </>
    ),
    work: async () => {
      await change('/user', fresh);
      // A user has a role of its own name from the start.
      if (chosen.length > 0) await change(path('user', fresh.user, '/role'), chosen);
      toast(t('userCreated', { name: fresh.user }));
    },
  });
}

interface RoleChoiceProps {
  readonly chosen: readonly string[];
  /** The role of the user's own name, which is not taken away. */
  readonly own?: string;
  readonly onChange: (chosen: readonly string[]) => void;
}

function RoleChoice({ chosen, own, onChange }: RoleChoiceProps) {
  const now = new Set(chosen);
  return (
    <div>
      <span class="soft">{t('roles')}</span>
      {Object.keys(roles.value).filter((name) => name !== own).map((name) => (
        <label key={name} class="check"><input type="checkbox" defaultChecked={now.has(name)} onChange={(event) => {
          if (event.currentTarget.checked) now.add(name);
          else now.delete(name);
          onChange([...now]);
        }} />{name}</label>
      ))}
    </div>
  );
}

function editRoles(name: string, facts: UserFacts): void {
  let chosen = facts.roles;
  showDialog({
    title: `${name}: ${t('roles')}`, action: t('save'), body: <RoleChoice chosen={chosen} own={name} onChange={(next) => { chosen = next; }} />,
    work: () => change(path('user', name, '/role'), chosen.filter((role) => role !== name)),
  });
}

function setPassword(name: string): void {
  if (name === user.value?.name) return changeOwnPassword();
  let fresh = '';
  showDialog({
    title: `${name}: ${t('changePassword')}`, action: t('save'),
    body: <label>{t('newPassword')}<input type="password" required autocomplete="new-password" onInput={(event) => { fresh = event.currentTarget.value; }} /></label>,
    work: async () => {
      await change(path('user', name, '/password'), { new_password: fresh });
      toast(t('passwordChanged'));
    },
  });
}

function createRole(): void {
  const fresh = { role: '', description: '' };
  showDialog({
    title: t('createRole'), action: t('create'),
    body: (
      <>
        <label>{t('name')}<input name="new-role" required onInput={(event) => { fresh.role = event.currentTarget.value; }} /></label>
        <label>{t('description')}<input onInput={(event) => { fresh.description = event.currentTarget.value; }} /></label>
      </>
    ),
    work: () => change('/role', fresh),
  });
}

function editPermissions(name: string, facts: RoleFacts): void {
  const levels: Record<string, string> = { ...facts.permissions };
  const names = [...new Set([...graphs.value.map((graph) => graph.graph_name), ...Object.keys(levels)])];
  showDialog({
    title: `${name}: ${t('permissions')}`, action: t('save'),
    body: (
      <>{names.map((graph) => (
        <label key={graph}>{graph}
          <select aria-label={graph} onChange={(event) => { levels[graph] = event.currentTarget.value; }}>{LEVELS.map((level) => <option key={level} selected={(levels[graph] ?? 'NONE') === level}>{level}</option>)}</select>
        </label>
      ))}</>
    ),
    work: () => change(path('role', name, '/permissions'), levels),
  });
}

function remove(kind: 'user' | 'role', name: string): void {
  showDialog({
    title: t('delete'), action: t('delete'), dangerous: true, body: <p>{t(kind === 'user' ? 'confirmDeleteUser' : 'confirmDeleteRole', { name })}</p>,
    work: () => change(path(kind, name), undefined, 'DELETE'),
  });
}

function Switch({ kind, name, disabled }: { readonly kind: 'user' | 'role'; readonly name: string; readonly disabled: boolean }) {
  return <button onClick={() => void tried(() => change(path(kind, name, disabled ? '/enable' : '/disable')))}>{t(disabled ? 'enable' : 'disable')}</button>;
}

function UserRow({ name, facts }: { readonly name: string; readonly facts: UserFacts }) {
  const isBuiltIn = name === 'admin';
  return (
    <tr data-testid="user-row">
      <td data-label={t('user')}><strong>{name}</strong> {facts.disabled && <span class="tag">{t('disabled')}</span>}</td>
      <td data-label={t('roles')}><span>{facts.roles.map((role) => <span key={role} class="tag">{role}</span>)}</span></td>
      <td data-label={t('description')}>{facts.description}</td>
      <td class="actions">
        <button onClick={() => setPassword(name)}>{t('changePassword')}</button>
        {!isBuiltIn && <button onClick={() => editRoles(name, facts)}>{t('editRoles')}</button>}
        {!isBuiltIn && name !== user.value?.name && <><Switch kind="user" name={name} disabled={facts.disabled} /><button class="danger" onClick={() => remove('user', name)}>{t('delete')}</button></>}
      </td>
    </tr>
  );
}

function RoleRow({ name, facts }: { readonly name: string; readonly facts: RoleFacts }) {
  return (
    <tr data-testid="role-row">
      <td data-label={t('name')}><strong>{name}</strong> {facts.disabled && <span class="tag">{t('disabled')}</span>}</td>
      <td data-label={t('permissions')}><span>{Object.entries(facts.permissions ?? {}).filter(([, level]) => level !== 'NONE').map(([graph, level]) => <span key={graph} class="tag">{graph}: {level}</span>)}</span></td>
      <td data-label={t('description')}>{facts.description}</td>
      <td class="actions">
        {name === 'admin' ? <span class="soft">{t('builtIn')}</span> : (
          <>
            <button onClick={() => editPermissions(name, facts)}>{t('editPermissions')}</button>
            <Switch kind="role" name={name} disabled={facts.disabled} />
            <button class="danger" onClick={() => remove('role', name)}>{t('delete')}</button>
          </>
        )}
      </td>
    </tr>
  );
}

export function UsersPage() {
  const isAdmin = user.value?.isAdmin === true;
  useEffect(() => {
    if (isAdmin) void tried(async () => void await Promise.all([refresh(), refreshGraphs()]));
  }, []);
  if (!isAdmin) return <><h1>{t('users')}</h1><p>{t('adminOnly')}</p><div><button onClick={changeOwnPassword}>{t('changePassword')}</button></div></>;
  return (
    <>
      <div class="row page-head"><h1>{t('users')}</h1><span class="grow" /><button class="primary" onClick={createUser}>{t('createUser')}</button></div>
      <div class="card flush scroll">
        <table class="stacked"><thead><tr><th>{t('user')}</th><th>{t('roles')}</th><th>{t('description')}</th><th>{t('actions')}</th></tr></thead>
          <tbody>{Object.entries(users.value).map(([name, facts]) => <UserRow key={name} name={name} facts={facts} />)}</tbody></table>
      </div>
      <div class="row page-head"><h1>{t('roles')}</h1><span class="grow" /><button onClick={createRole}>{t('createRole')}</button></div>
      <div class="card flush scroll">
        <table class="stacked"><thead><tr><th>{t('name')}</th><th>{t('permissions')}</th><th>{t('description')}</th><th>{t('actions')}</th></tr></thead>
          <tbody>{Object.entries(roles.value).map(([name, facts]) => <RoleRow key={name} name={name} facts={facts} />)}</tbody></table>
      </div>
    </>
  );
}
