import { request } from '../api/connection.ts';
import { t } from '../i18n/index.ts';
import { logIn, user } from '../state/session.ts';
import { showDialog } from '../ui/dialog.tsx';
import { toast } from '../ui/toast.tsx';

/** Changes the password of whoever is logged in, and logs in with it: the change voids the older tokens. */
export function changeOwnPassword(): void {
  const { name } = user.value!;
  let old = '';
  let fresh = '';
  showDialog({
    title: t('changePassword'), action: t('save'),
    body: (
      <>
        <label>{t('currentPassword')}<input type="password" autocomplete="current-password" required onInput={(event) => { old = event.currentTarget.value; }} /></label>
        <label>{t('newPassword')}<input type="password" autocomplete="new-password" required onInput={(event) => { fresh = event.currentTarget.value; }} /></label>
      </>
    ),
    work: async () => {
      await request(`/user/${encodeURIComponent(name)}/password`, { method: 'POST', body: { current_password: old, new_password: fresh } });
      await logIn(name, fresh);
      toast(t('passwordChanged'));
    },
  });
}
