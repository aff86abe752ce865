//! What is changed of people who sign in: who they are, how they prove it, and that they may no longer.
//!
//! The entry says what changed, on the log of their home and on the provider's; of passwords, links and second
//! factors it has nothing but that there is one.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    batch::Batch,
    command::{By, Receipt, RecordError, UserChange},
    log::{OpenLog, unavailable},
};
use crate::{
    domain::{
        Role, Tenant,
        id::{InstitutionId, UserId},
    },
    store::{
        institutions, sessions, tries,
        users::{self, Credentials, User},
    },
};

impl Batch<'_> {
    /// Adds a person and records it.
    pub(super) async fn add_user(
        &mut self,
        kept: &mut BTreeMap<Tenant, OpenLog>,
        by: &By,
        user: &User,
    ) -> Result<Receipt, RecordError> {
        let home = InstitutionId::from_uuid(user.institution_id);
        let row = institutions::get(self.connection, home).await.map_err(unavailable)?;
        let row = row.ok_or(RecordError::Missing("institution"))?;
        let outside = Role::parse(&user.role).ok_or(RecordError::Unknown("role"))?.is_outside();
        if outside != (row.role == "provider") {
            let why = "operators and regulators have no institution, and all others have one";
            return Err(RecordError::Conflict(why));
        }
        if users::by_email(self.connection, &user.email).await.map_err(unavailable)?.is_some() {
            return Err(RecordError::Conflict("somebody has this e-mail address already"));
        }
        self.log(kept, Tenant::vouched(home)).await?;
        users::insert(self.connection, user).await.map_err(unavailable)?;
        self.record_user(kept, by, user, ("user.add", None)).await
    }

    /// Changes a person and records it.
    pub(super) async fn alter_user(
        &mut self,
        kept: &mut BTreeMap<Tenant, OpenLog>,
        by: &By,
        id: UserId,
        change: UserChange,
    ) -> Result<Receipt, RecordError> {
        let user = users::get(self.connection, id).await.map_err(unavailable)?;
        let mut user = user.ok_or(RecordError::Missing("person"))?;
        // An account at an issuer is not lost with who had it: it can be freed, and be somebody else's.
        if user.disabled_at_us.is_some() && !matches!(change, UserChange::UnlinkIssuer) {
            return Err(RecordError::Conflict("the person is disabled"));
        }
        self.log(kept, Tenant::vouched(InstitutionId::from_uuid(user.institution_id))).await?;
        let said = self.apply_to(&mut user, id, change).await?;
        users::update(self.connection, &user).await.map_err(unavailable)?;
        self.record_user(kept, by, &user, said).await
    }

    /// Changes the row; what the entry says of it. Refuses before anything is written.
    async fn apply_to(
        &mut self,
        user: &mut User,
        id: UserId,
        change: UserChange,
    ) -> Result<(&'static str, Option<Value>), RecordError> {
        let mut keep = None;
        let said = match change {
            UserChange::Disable => {
                user.disabled_at_us = Some(self.now_us);
                user.invite_sha256 = None;
                ("user.disable", None)
            }
            UserChange::Invite(sha256, until_us) => {
                not_linked(user)?;
                user.invite_sha256 = Some(sha256.to_vec());
                user.invite_until_us = Some(until_us);
                let said = json!({"until": until_us.div_euclid(1_000_000)});
                return Ok(("user.invite", Some(said)));
            }
            UserChange::SetPassword { hash, invite, checked, session } => {
                not_linked(user)?;
                still(user, checked.as_ref())?;
                if let Some(invite) = invite {
                    if user.invite_sha256.as_deref() != Some(invite.as_slice())
                        || user.invite_until_us.is_none_or(|until_us| until_us <= self.now_us)
                    {
                        return Err(RecordError::Conflict("the link was used, or is too old"));
                    }
                    // Whoever tried wrong codes knew the password of before.
                    tries::forget(self.connection, &tries::codes_of(id)).await.map_err(unavailable)?;
                }
                user.password_hash = Some(hash);
                user.invite_sha256 = None;
                user.invite_until_us = None;
                keep = session;
                ("user.set_password", None)
            }
            UserChange::ConfirmSecondFactor { salt, checked, step, recovery, session } => {
                still(user, Some(&checked))?;
                // Steps of another secret count no longer.
                users::put_step(self.connection, id, step).await.map_err(unavailable)?;
                user.totp_salt = Some(salt.to_vec());
                keep = session;
                let codes = recovery.len();
                users::put_recovery_codes(self.connection, id, &recovery).await.map_err(unavailable)?;
                ("user.confirm_second_factor", Some(json!({"recovery_codes": codes})))
            }
            UserChange::DropSecondFactor(proof) => {
                if user.totp_salt.is_none() {
                    return Err(RecordError::Conflict("there is no second factor"));
                }
                if let Some((checked, code)) = proof {
                    still(user, Some(&checked))?;
                    if !users::use_code(self.connection, id, &code).await.map_err(unavailable)? {
                        return Err(RecordError::Conflict("the code was used; wait for the next one"));
                    }
                }
                user.totp_salt = None;
                users::put_recovery_codes(self.connection, id, &[]).await.map_err(unavailable)?;
                tries::forget(self.connection, &tries::codes_of(id)).await.map_err(unavailable)?;
                ("user.drop_second_factor", None)
            }
            UserChange::AllowCodes => {
                tries::forget(self.connection, &tries::codes_of(id)).await.map_err(unavailable)?;
                return Ok(("user.allow_codes", None));
            }
            UserChange::LinkIssuer { issuer, subject, checked } => {
                still(user, checked.as_ref())?;
                if checked.is_some() && user.external_issuer.is_some() {
                    return Err(RecordError::Conflict("the person has another account at an issuer"));
                }
                let other = users::by_external(self.connection, &issuer, &subject).await;
                if other.map_err(unavailable)?.is_some_and(|other| other.id != user.id) {
                    return Err(RecordError::Conflict("the issuer's account belongs to somebody else"));
                }
                let said = json!({"issuer": issuer, "subject": subject});
                user.link(issuer, subject);
                users::put_recovery_codes(self.connection, id, &[]).await.map_err(unavailable)?;
                ("user.link_issuer", Some(said))
            }
            UserChange::UnlinkIssuer => {
                let Some((issuer, subject)) = user.unlink() else {
                    return Err(RecordError::Conflict("the person signs in at no issuer"));
                };
                ("user.unlink_issuer", Some(json!({"issuer": issuer, "subject": subject})))
            }
        };
        // Whoever is signed in by what was before is so no longer.
        sessions::end_all(self.connection, id, keep.as_ref().map(|id| id.as_slice()))
            .await
            .map_err(unavailable)?;
        Ok(said)
    }
}

/// Refuses where somebody has changed since they were checked.
fn still(user: &User, checked: Option<&Credentials>) -> Result<(), RecordError> {
    match checked {
        Some(checked) if user.credentials() != *checked => {
            Err(RecordError::Conflict("the password or the second factor was changed since; begin again"))
        }
        _ => Ok(()),
    }
}

/// Refuses a password for who signs in at an issuer.
fn not_linked(user: &User) -> Result<(), RecordError> {
    match user.external_issuer {
        Some(_) => Err(RecordError::Conflict("the person signs in at an issuer, and has no password here")),
        None => Ok(()),
    }
}
