// Who works here: signing in, the own account, those of others, keys.

import type { Reply } from "../../protocol/rest";
import type { Http } from "./http";
import type { Account, ApiKey, AuditPage, Presence, SignedIn, SignInOptions, StaffMember } from "./types";

const AUDIT_PAGE = 100;

export interface Credentials {
  readonly email: string;
  readonly password: string;
  readonly code?: string;
}

export interface MyChange {
  readonly name?: string;
  readonly password?: string;
  readonly current_password?: string;
  readonly presence?: Presence;
}

export interface NewAccount {
  readonly email: string;
  readonly name: string;
  readonly role: string;
}

export class StaffApi {
  constructor(private readonly http: Http) {}

  signInOptions(): Promise<Reply<SignInOptions>> {
    return this.http.ask("GET", "/staff/sign-in-options");
  }

  signIn(credentials: Credentials): Promise<Reply<SignedIn>> {
    return this.http.ask("POST", "/staff/sign-in", { body: credentials });
  }

  signOut(): Promise<Reply<unknown>> {
    return this.http.ask("POST", "/staff/sign-out", { body: {} });
  }

  me(): Promise<Reply<StaffMember>> {
    return this.http.ask("GET", "/staff/me");
  }

  changeMe(change: MyChange): Promise<Reply<unknown>> {
    return this.http.ask("PATCH", "/staff/me", { body: change });
  }

  beginTotp(): Promise<Reply<{ readonly secret: string; readonly otpauth_url: string }>> {
    return this.http.ask("POST", "/staff/totp", { body: {} });
  }

  confirmTotp(code: string): Promise<Reply<{ readonly recovery_codes: readonly string[] }>> {
    return this.http.ask("POST", "/staff/totp/confirm", { body: { code } });
  }

  endTotp(password: string): Promise<Reply<unknown>> {
    return this.http.ask("DELETE", "/staff/totp", { body: { password } });
  }

  accounts(): Promise<Reply<readonly Account[]>> {
    return this.http.ask("GET", "/staff/accounts");
  }

  addAccount(account: NewAccount): Promise<Reply<{ readonly password: string | null }>> {
    return this.http.ask("POST", "/staff/accounts", { body: account });
  }

  changeAccount(
    staffId: string,
    change: Partial<Pick<Account, "name" | "role" | "skills" | "capacity" | "disabled">>,
  ): Promise<Reply<unknown>> {
    return this.http.ask("PATCH", `/staff/accounts/${staffId}`, { body: change });
  }

  /** `withoutTotp`: also without the codes of a device that was lost. */
  resetPassword(staffId: string, { withoutTotp }: { withoutTotp: boolean }): Promise<Reply<{ readonly password: string }>> {
    return this.http.ask("POST", `/staff/accounts/${staffId}/reset-password`, { body: { without_totp: withoutTotp } });
  }

  keys(): Promise<Reply<readonly ApiKey[]>> {
    return this.http.ask("GET", "/staff/keys");
  }

  /** `key` is shown in this answer only. */
  addKey(name: string, scopes: readonly string[]): Promise<Reply<ApiKey & { readonly key: string }>> {
    return this.http.ask("POST", "/staff/keys", { body: { name, scopes } });
  }

  /** `actor` is somebody's id, or empty for everybody; `cursor` that of the page before, null for the newest. */
  audit({ actor, cursor }: { readonly actor: string; readonly cursor: number | null }): Promise<Reply<AuditPage>> {
    const parameters = new URLSearchParams({ limit: String(AUDIT_PAGE) });
    if (actor !== "") parameters.set("actor", actor);
    if (cursor !== null) parameters.set("cursor", String(cursor));
    return this.http.ask("GET", `/staff/audit?${parameters}`);
  }

  deleteKey(keyId: string): Promise<Reply<unknown>> {
    return this.http.ask("DELETE", `/staff/keys/${keyId}`);
  }
}
